import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ensureAdminKey } from "./admin-key.ts";

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "sluice-test-"));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

test("the key from the environment is used as it is", () => {
  expect(ensureAdminKey(dataDir, { SLUICE_ADMIN_KEY: "exactly-16-chars" })).toBe("exactly-16-chars");
});

test("a key shorter than 16 characters is refused without being shown", () => {
  const call = () => ensureAdminKey(dataDir, { SLUICE_ADMIN_KEY: "only-15-letters" });
  expect(call).toThrow("at least 16 characters");
  expect(call).not.toThrow("only-15-letters");
});

test("a key is made once and kept for the owner's eyes only", () => {
  const key = ensureAdminKey(dataDir, {});
  expect(key.length).toBeGreaterThan(40);
  expect(ensureAdminKey(dataDir, { SLUICE_ADMIN_KEY: "" })).toBe(key);
  expect(statSync(join(dataDir, "admin-key")).mode & 0o777).toBe(0o600);
});
