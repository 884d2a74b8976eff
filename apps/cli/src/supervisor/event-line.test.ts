import { expect, test } from "vitest";
import { eventLine } from "./event-line.ts";

test("a death names the process, the reason and when it comes back", () => {
  const event = {
    type: "exited",
    name: "worker-1",
    pid: 42,
    code: null,
    signal: "SIGKILL",
    restartInMs: 400,
  } as const;
  expect(eventLine(event)).toBe("worker-1 (process 42) was ended by SIGKILL, starting it again in 0.4 s");
});

test("an end that was asked for promises no restart", () => {
  const event = {
    type: "exited",
    name: "api",
    pid: 42,
    code: 0,
    signal: null,
    restartInMs: undefined,
  } as const;
  expect(eventLine(event)).toBe("api (process 42) ended");
});

test("a start is one line, with the URL when there is one", () => {
  const event = { type: "ready", name: "api", pid: 42, url: "http://127.0.0.1:8080" } as const;
  expect(eventLine(event)).toBe("api (process 42) is ready at http://127.0.0.1:8080");
  expect(eventLine({ type: "started", name: "api", pid: 42 })).toBeUndefined();
});
