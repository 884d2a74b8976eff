import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lockDataDirectory } from "./lock-data-directory.ts";

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "sluice-test-"));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

test("a second supervisor is told which process holds the directory and what to do", () => {
  const release = lockDataDirectory(dataDir);
  expect(() => lockDataDirectory(dataDir)).toThrow(`process ${process.pid}`);
  expect(() => lockDataDirectory(dataDir)).toThrow("SLUICE_DATA_DIR");
  release();
  lockDataDirectory(dataDir)();
  expect(existsSync(join(dataDir, "lock"))).toBe(false);
});

test("the lock of a process that is gone is taken over", () => {
  const gone = spawnSync(process.execPath, ["--version"]).pid;
  writeFileSync(join(dataDir, "lock"), JSON.stringify({ pid: gone, startedAt: "1" }));
  lockDataDirectory(dataDir)();
});

test("the lock of a process whose id was given to another one is taken over", () => {
  writeFileSync(join(dataDir, "lock"), JSON.stringify({ pid: process.pid, startedAt: "long ago" }));
  lockDataDirectory(dataDir)();
});

test("a lock that was cut short by a crash is taken over", () => {
  writeFileSync(join(dataDir, "lock"), "");
  lockDataDirectory(dataDir)();
});

test("letting go leaves a lock that belongs to somebody else", () => {
  const release = lockDataDirectory(dataDir);
  writeFileSync(join(dataDir, "lock"), "another");
  release();
  expect(existsSync(join(dataDir, "lock"))).toBe(true);
});
