import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

let clone: string;
/** What the stand-in for npx was called with, one line per call. */
let calls: () => string[];

/** In the place of npx: notes its arguments and brings the Node that runs this test. */
const fakeNpx = `#!/bin/sh
echo "$NODE_ENV $@" >> "$FAKE_CALLS"
[ -n "$FAKE_FAILURE" ] && exit 1
mkdir -p node_modules/node/bin node_modules/.bin
ln -sf "$FAKE_NODE" node_modules/node/bin/node
echo shim > node_modules/.bin/node
`;

beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), "sluice-test-"));
  cpSync(join(import.meta.dirname, "lib"), join(clone, "scripts", "lib"), { recursive: true });
  cpSync(join(import.meta.dirname, "bootstrap.mjs"), join(clone, "scripts", "bootstrap.mjs"));
  for (const folder of ["packages", "apps/cli/src", "fake"])
    mkdirSync(join(clone, folder), { recursive: true });
  writeFileSync(join(clone, "package.json"), '{ "type": "module", "packageManager": "pnpm@1.2.3" }');
  writeFileSync(join(clone, "pnpm-lock.yaml"), "lock: 1\n");
  writeFileSync(
    join(clone, "apps/cli/src/main.ts"),
    "console.log(JSON.stringify(process.argv.slice(2))); process.exitCode = 7;",
  );
  writeFileSync(join(clone, "fake", "npx"), fakeNpx, { mode: 0o755 });
  const file = join(clone, "calls");
  calls = () => (existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : []);
});
afterEach(() => rmSync(clone, { recursive: true, force: true }));

function bootstrap(args: string[], more: Record<string, string> = {}) {
  const env = {
    PATH: `${join(clone, "fake")}:${process.env["PATH"]}`,
    FAKE_CALLS: join(clone, "calls"),
    FAKE_NODE: process.execPath,
    ...more,
  };
  return spawnSync(process.execPath, [join(clone, "scripts", "bootstrap.mjs"), ...args], {
    env,
    encoding: "utf8",
  });
}

test("installs with the pinned package manager, then hands over arguments and passes on the exit code", () => {
  const { status, stdout } = bootstrap(["start"], { NODE_ENV: "production" });
  expect(calls()).toEqual([
    "production --yes pnpm@1.2.3 install --frozen-lockfile --prod=false --reporter=append-only",
  ]);
  expect(stdout).toBe('["up"]\n');
  expect(status).toBe(7);
});

test("hands over a run with its arguments, and keeps standard output for the command", () => {
  const { stdout, stderr } = bootstrap(["start", "run", "a file.jsonl", "--out", "b"]);
  expect(stdout).toBe('["run","a file.jsonl","--out","b"]\n');
  expect(stderr).toContain("Installing dependencies");
});

test("installs nothing the second time, and again when a version changed", () => {
  bootstrap(["start"]);
  bootstrap(["start"]);
  expect(calls()).toHaveLength(1);
  appendFileSync(join(clone, "pnpm-lock.yaml"), "lock: 2\n");
  bootstrap(["start"]);
  expect(calls()).toHaveLength(2);
});

test("installs again when a package was added", () => {
  bootstrap(["start"]);
  mkdirSync(join(clone, "packages", "new"));
  writeFileSync(join(clone, "packages", "new", "package.json"), "{}");
  bootstrap(["start"]);
  expect(calls()).toHaveLength(2);
});

test("a failed installation ends with one sentence that says what to do, and is tried again next time", () => {
  const { status, stderr } = bootstrap(["start"], { FAKE_FAILURE: "1" });
  expect(status).toBe(1);
  expect(stderr.trim().split("\n").at(-1)).toMatch(/^Installing failed .* run the same command again\.$/);
  expect(bootstrap(["start"]).status).toBe(7);
});

test("an installation that was killed does not block the next one", () => {
  const gone = spawnSync(process.execPath, ["--version"]).pid;
  const lock = join(clone, "node_modules", ".sluice-installing");
  mkdirSync(lock, { recursive: true });
  writeFileSync(join(lock, "pid"), String(gone));
  expect(bootstrap(["start"]).status).toBe(7);
  expect(existsSync(lock)).toBe(false);
});

test("the sluice command works through a symbolic link from anywhere", () => {
  mkdirSync(join(clone, "bin"));
  cpSync(join(import.meta.dirname, "..", "bin", "sluice.js"), join(clone, "bin", "sluice.js"));
  const preload = "packages/embedded/src/exit-when-parent-dies.ts";
  mkdirSync(join(clone, preload, ".."), { recursive: true });
  cpSync(join(import.meta.dirname, "..", preload), join(clone, preload));
  bootstrap(["start"]);
  symlinkSync(join(clone, "bin", "sluice.js"), join(clone, "fake", "sluice"));
  const { stdout, status } = spawnSync(join(clone, "fake", "sluice"), ["jobs", "--json"], {
    cwd: tmpdir(),
    encoding: "utf8",
  });
  expect(stdout).toBe('["jobs","--json"]\n');
  expect(status).toBe(7);
});
