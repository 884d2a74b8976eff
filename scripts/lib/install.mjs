// Installs the dependencies when they are missing or stale. Plain JavaScript without dependencies: it runs on Node 20,
// before anything is installed.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Root of the clone. */
export const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
/** The Node this project runs on, brought by the npm package "node". */
export const node24 = join(root, "node_modules", "node", "bin", "node");

const stampFile = join(root, "node_modules", ".sluice-install");
const lockDirectory = join(root, "node_modules", ".sluice-installing");
const oldestNode = 20;

/** Says a line about the set-up. Standard error: standard output belongs to the command that follows. */
function say(line) {
  process.stderr.write(`${line}\n`);
}

/** Checks Node and installs what is missing; ends the process with one sentence that says what to do otherwise. */
export function ensureInstalled() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < oldestNode) {
    fail(`Sluice needs Node ${oldestNode} or newer, this is ${process.version}: install it from nodejs.org.`);
  }
  if (isInstalled()) return;
  const failure = holdLock(() => (isInstalled() ? undefined : install()));
  if (failure !== undefined) fail(failure);
}

/** Answers undefined, or one sentence about what went wrong. */
function install() {
  const manager = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).packageManager;
  say(`Installing dependencies with ${manager} (first run or changed versions, about a minute).`);
  // --prod=false: NODE_ENV=production would leave out Node itself, which is a development dependency here.
  const args = ["--yes", manager, "install", "--frozen-lockfile", "--prod=false", "--reporter=append-only"];
  // CI keeps pnpm from asking questions.
  const env = { ...process.env, CI: "true" };
  const { status, error } = spawnSync("npx", args, { cwd: root, stdio: ["ignore", 2, 2], env });
  if (status !== 0 || !existsSync(node24)) {
    const reason = error === undefined ? "see the lines above" : error.message;
    return `Installing failed (${reason}): check the network and the npm registry settings, then run the same command again.`;
  }
  linkNode();
  writeFileSync(stampFile, wanted());
  say("Dependencies are installed.");
  return undefined;
}

/**
 * pnpm puts a shell script where npm and npx look for `node`. A shell in between would swallow the signals that are
 * meant for the program behind it, so the program itself takes its place.
 */
function linkNode() {
  const found = join(root, "node_modules", ".bin", "node");
  rmSync(found, { force: true });
  symlinkSync(join("..", "node", "bin", "node"), found);
}

function isInstalled() {
  return existsSync(node24) && existsSync(stampFile) && readFileSync(stampFile, "utf8") === wanted();
}

/** A hash of all that decides what is installed: lockfile, manifests, settings, machine. */
function wanted() {
  const hash = createHash("sha256").update(`${process.platform}-${process.arch}`);
  for (const file of ["pnpm-lock.yaml", "pnpm-workspace.yaml", ".npmrc", ...manifests()]) {
    hash.update(`${file}\0`).update(existsSync(join(root, file)) ? readFileSync(join(root, file)) : "none");
  }
  return hash.digest("hex");
}

function manifests() {
  const folders = ["apps", "packages"].flatMap((parent) =>
    readdirSync(join(root, parent)).map((name) => join(parent, name)),
  );
  return [".", "test", ...folders.sort()]
    .map((folder) => join(folder, "package.json"))
    .filter((file) => existsSync(join(root, file)));
}

/** Two commands started at once in a fresh clone must not install over each other. */
function holdLock(work) {
  mkdirSync(dirname(lockDirectory), { recursive: true });
  while (!takeLock()) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
  try {
    return work();
  } finally {
    rmSync(lockDirectory, { recursive: true, force: true });
  }
}

function takeLock() {
  try {
    mkdirSync(lockDirectory);
    writeFileSync(join(lockDirectory, "pid"), String(process.pid));
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
    if (holderIsGone()) rmSync(lockDirectory, { recursive: true, force: true });
    return false;
  }
}

function holderIsGone() {
  try {
    process.kill(Number(readFileSync(join(lockDirectory, "pid"), "utf8")), 0);
    return false;
  } catch (error) {
    if (error.code === "EPERM") return false;
    if (error.code === "ESRCH") return true;
    // A holder that has made the directory and not yet written its id is given a moment.
    return existsSync(lockDirectory) && Date.now() - statSync(lockDirectory).mtimeMs > 2_000;
  }
}

/** Ends the process with one sentence. */
export function fail(sentence) {
  say(sentence);
  process.exit(1);
}
