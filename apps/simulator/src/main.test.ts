import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { chat, createTestClient } from "./test-client.ts";

const program = fileURLToPath(new URL("./main.ts", import.meta.url));
const timeout = 60_000;

test("tells its parent when it is ready, and ends with it", { timeout }, async () => {
  const child = fork(
    program,
    ["--name", "forked", "--ttft-ms", "0", "--tokens-per-second", "0", "--tokenizer", "chars"],
    { silent: true },
  );
  const [message] = (await once(child, "message")) as [{ type: string; url: string; name: string }];
  expect(message).toMatchObject({ type: "ready", name: "forked" });
  const client = createTestClient(message.url);
  expect((await client.post("/v1/chat/completions", chat("x"))).status).toBe(200);
  client.close();
  child.disconnect();
  expect(await once(child, "exit")).toEqual([0, null]);
});

test("prints one line of JSON and lets calls in flight end when it is told to stop", {
  timeout,
}, async () => {
  const child = spawn(process.execPath, [
    program,
    "--ttft-ms",
    "2000",
    "--tokenizer",
    "chars",
    "--tokens-per-second",
    "0",
  ]);
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const { url } = JSON.parse(line.toString()) as { url: string };
  const client = createTestClient(url);
  const call = client.open("/v1/chat/completions", chat("x"));
  const stats = async (): Promise<{ calls: number }> => JSON.parse((await client.get("/_sim/stats")).body);
  while ((await stats()).calls === 0);
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  expect((await call.done).status).toBe(200);
  expect(await ended).toEqual([0, null]);
  client.close();
});

test.each([
  ["--seed", "many"],
  ["--nonsense", "1"],
  ["--error-rate", "2"],
  ["--fault", "nope"],
  ["--port", "70000"],
])("refuses %s %s with a reason", { timeout }, async (...args) => {
  const child = spawn(process.execPath, [program, ...args]);
  const reason = once(child.stderr, "data");
  expect(await once(child, "exit")).toEqual([2, null]);
  expect(String(await reason)).toMatch(/^simulator: .+/);
});
