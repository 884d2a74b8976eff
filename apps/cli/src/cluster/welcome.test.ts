import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { welcome } from "./welcome.ts";

let dataDir: string;
beforeEach(() => {
  dataDir = join(mkdtempSync(join(tmpdir(), "sluice welcome's ")), "data");
  mkdirSync(dataDir);
  writeFileSync(join(dataDir, "admin-key"), "sk-the-key-itself\n");
});
afterEach(() => rmSync(join(dataDir, ".."), { recursive: true, force: true }));

/** Runs the lines to paste in a shell in which curl only prints its arguments. */
function paste(text: string, env: Record<string, string> = {}): string {
  const lines = text.split("\n").filter((line) => /^(curl|JOB=|FILE=)/.test(line));
  expect(lines).toHaveLength(3);
  const curl = 'curl() { printf "<%s>" "$@"; echo \' {"id":"job_0a-1","x":"file-0b-2 batch_0c-3"}\'; }';
  return execFileSync("sh", ["-c", `${curl}\n${lines.join("\n")}`], {
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
}

test("shows where the key is and never the key", () => {
  const text = welcome({ url: "http://127.0.0.1:8080", dataDir, keyIsGiven: false });
  expect(text).toContain(join(dataDir, "admin-key"));
  expect(text).not.toContain("sk-the-key-itself");
});

test("the lines to paste carry the key and the ids, from a folder with a space and a quote too", () => {
  const calls = paste(welcome({ url: "http://127.0.0.1:8080", dataDir, keyIsGiven: false }));
  expect(calls).toContain("<authorization: Bearer sk-the-key-itself>");
  expect(calls).toContain("<http://127.0.0.1:8080/v1/jobs/job_0a-1?wait=30>");
  expect(calls).toContain("<http://127.0.0.1:8080/v1/batches/batch_0c-3>");
});

test("with a key of the operator's own the lines take it from the environment", () => {
  const text = welcome({ url: "http://127.0.0.1:8080", dataDir, keyIsGiven: true });
  expect(paste(text, { SLUICE_ADMIN_KEY: "my-own-admin-key" })).toContain(
    "<authorization: Bearer my-own-admin-key>",
  );
  expect(text).not.toContain(join(dataDir, "admin-key"));
});
