import { expect, test } from "vitest";
import { createLogDigest } from "./watch-logs.ts";

const line = (level: string, msg: string, err?: string): string =>
  `${JSON.stringify({ level, msg, ...(err === undefined ? {} : { err: { message: err } }) })}\n`;

function setup() {
  const said: string[] = [];
  return { said, digest: createLogDigest((text) => said.push(text)) };
}

test("tells warnings and errors, and nothing else that stands in a log", () => {
  const { said, digest } = setup();
  digest.add(
    "worker-1",
    line("info", "takes jobs") +
      line("warn", "Redis is slow") +
      line("error", "a request failed", "boom\nat x"),
    0,
  );
  digest.add("api", 'plain text\n{"not json\n{"level":"warn"}\n', 0);
  expect(said).toEqual([
    "worker-1 warns: Redis is slow",
    "worker-1 reports an error: a request failed: boom",
  ]);
});

test("a message that repeats is told once a minute, with how often it came", () => {
  const { said, digest } = setup();
  for (let second = 0; second < 90; second += 1)
    digest.add("api", line("warn", "Redis is slow"), second * 1_000);
  expect(said).toEqual([
    "api warns: Redis is slow",
    "api warns: Redis is slow (and 59 more in the last minute)",
  ]);
});
