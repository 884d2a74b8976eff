import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readClusterFile, writeClusterFile } from "./cluster-file.ts";

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "sluice-file-"));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const facts = {
  url: "http://127.0.0.1:8080",
  databaseUrl: "d",
  redisUrl: "r",
  configPath: "c",
  health: {},
  simulators: {},
  pools: {},
};

test("a running cluster is found by a file that only its owner can read, until it is stopped", () => {
  const remove = writeClusterFile(dataDir, facts);
  expect(readClusterFile(dataDir)).toMatchObject({ ...facts, pid: process.pid });
  expect(statSync(join(dataDir, "cluster.json")).mode & 0o777).toBe(0o600);
  remove();
  expect(readClusterFile(dataDir)).toBeUndefined();
  expect(readdirSync(dataDir)).toEqual([]);
});

test("what a killed supervisor left behind is no cluster", () => {
  writeClusterFile(dataDir, facts);
  const path = join(dataDir, "cluster.json");
  const left = readClusterFile(dataDir);
  writeFileSync(path, JSON.stringify({ ...left, pid: 2 ** 22 + 1 }));
  expect(readClusterFile(dataDir)).toBeUndefined();
  // Its id now belongs to a process that started at another time.
  writeFileSync(path, JSON.stringify({ ...left, startedAt: "1" }));
  expect(readClusterFile(dataDir)).toBeUndefined();
});
