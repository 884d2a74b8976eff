import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  accessSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Account, choosePostgresIdentity, type PostgresIdentity } from "./choose-postgres-identity.ts";
import type { PostgresBinaries } from "./postgres-binaries.ts";

/** A program call that is ready to be spawned. */
export type ProgramCall = {
  readonly command: string;
  readonly args: string[];
  readonly cwd: string;
  readonly uid?: number;
  readonly gid?: number;
};

/** How PostgreSQL's programs are called on one data directory, as a user that they accept. */
export type PostgresPrograms = {
  readonly identity: PostgresIdentity;
  /** A directory in which that user can read a file that root gives it. */
  readonly sharedDirectory: string | undefined;
  call(program: "postgres" | "initdb", directory: string, args: readonly string[]): ProgramCall;
};

/** Decides who runs PostgreSQL on `data`, and brings programs and data within that user's reach. */
export function postgresPrograms(binaries: PostgresBinaries, data: string): PostgresPrograms {
  const accounts = readAccounts();
  const identity = choosePostgresIdentity({
    uid: process.getuid?.() ?? -1,
    gid: process.getgid?.() ?? -1,
    dataOwner: existsSync(data) ? statSync(data).uid : undefined,
    namespaceWorks: namespaceWorks(binaries, join(data, ".."), accounts),
    accounts: accounts.length === 0 ? [{ name: "me", uid: process.getuid?.() ?? -1, gid: -1 }] : accounts,
  });
  switch (identity.kind) {
    case "same-user":
      return {
        identity,
        sharedDirectory: undefined,
        call: (program, directory, args) => ({
          command: programIn(binaries.root, program),
          args: ["-D", directory, ...args],
          cwd: directory,
        }),
      };
    case "namespace":
      return {
        identity,
        sharedDirectory: undefined,
        call: (program, directory, args) =>
          inNamespace(identity.seen, {
            command: programIn(binaries.root, program),
            args: ["-D", directory, ...args],
            cwd: directory,
          }),
      };
    case "other-account":
      return otherAccount(identity.account, binaries);
  }
}

/**
 * The other account cannot enter a clone or data directory below a 0700 directory, and we must not open the user's
 * directories for it. So the programs are copied to a public place, and the data is reached as "the directory I was
 * started in": the kernel asks for rights on that directory only, not on its parents.
 */
function otherAccount(account: Account, binaries: PostgresBinaries): PostgresPrograms {
  const shared = publicCopy(binaries);
  return {
    identity: { kind: "other-account", account },
    sharedDirectory: shared,
    call: (program, directory, args) => ({
      command: programIn(join(shared, "native"), program),
      args: ["-D", "/proc/self/cwd", ...args],
      cwd: directory,
      uid: account.uid,
      gid: account.gid,
    }),
  };
}

function programIn(root: string, program: string): string {
  return join(root, "bin", program);
}

function inNamespace(
  seen: Account,
  { command, args, cwd }: { command: string; args: string[]; cwd: string },
): ProgramCall {
  return { command: "unshare", args: [...namespaceArgs(seen), command, ...args], cwd };
}

function namespaceArgs(seen: Account): string[] {
  return ["--user", `--map-user=${seen.uid}`, `--map-group=${seen.gid}`, "--"];
}

function namespaceWorks(
  binaries: PostgresBinaries,
  directory: string,
  accounts: readonly Account[],
): boolean {
  const seen = accounts.find((account) => account.uid !== 0);
  if (process.platform !== "linux" || seen === undefined) return false;
  const reach = 'test -x "$1" && test -w "$2"';
  try {
    execFileSync(
      "unshare",
      [...namespaceArgs(seen), "/bin/sh", "-c", reach, "sh", programIn(binaries.root, "postgres"), directory],
      { stdio: "ignore" },
    );
    return true;
  } catch {
    return false;
  }
}

function readAccounts(): Account[] {
  // macOS keeps its accounts elsewhere; there we never need another one.
  if (process.platform !== "linux") return [];
  const rows = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"));
  return rows
    .filter((row) => row.length >= 4)
    .map(([name = "", , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }));
}

function publicCopy(binaries: PostgresBinaries): string {
  const shared = join(publicPlace(), `postgresql-${binaries.version}-${process.arch}`);
  if (existsSync(shared)) return shared;
  const draft = `${shared}.${randomBytes(6).toString("hex")}`;
  mkdirSync(draft, { mode: 0o755 });
  cpSync(binaries.root, join(draft, "native"), { recursive: true, verbatimSymlinks: true });
  try {
    renameSync(draft, shared);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(shared)) throw error;
  }
  return shared;
}

function publicPlace(): string {
  for (const parent of ["/var/lib", tmpdir()]) {
    const place = join(parent, "sluice");
    try {
      mkdirSync(place, { recursive: true, mode: 0o711 });
      accessSync(place, constants.W_OK);
      // In a directory that everybody may write to, somebody else could have put programs there for us to run.
      if (statSync(place).uid === process.getuid?.()) return place;
    } catch {
      // Read-only: the next place.
    }
  }
  throw new Error("PostgreSQL cannot run as root here: run as an ordinary user, or set DATABASE_URL.");
}
