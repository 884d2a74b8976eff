import { execFile, execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chownSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { PostgresPrograms } from "./postgres-programs.ts";

/** What a new database cluster needs. */
export type InitialiseOptions = {
  readonly programs: PostgresPrograms;
  readonly data: string;
  readonly password: string;
  readonly fast: boolean;
};

/**
 * Makes a database cluster in `data`: superuser sluice, UTF-8, C locale, passwords by SCRAM only. It is made beside
 * its place and moved there when complete, so that a crash halfway leaves nothing that looks like a cluster.
 */
export async function initialisePostgres({
  programs,
  data,
  password,
  fast,
}: InitialiseOptions): Promise<void> {
  const draft = `${data}.new`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { mode: 0o700 });
  const { identity } = programs;
  if (identity.kind === "other-account") chownSync(draft, identity.account.uid, identity.account.gid);
  const passwordFile = join(
    programs.sharedDirectory ?? join(data, ".."),
    `password-${randomBytes(6).toString("hex")}`,
  );
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  if (identity.kind === "other-account") chownSync(passwordFile, identity.account.uid, identity.account.gid);
  try {
    await runInitdb(programs, draft, passwordFile);
  } finally {
    rmSync(passwordFile, { force: true });
  }
  // One sync of the file system instead of initdb's one fsync per file, which takes seconds on a slow disk.
  if (!fast) execFileSync("sync");
  renameSync(draft, data);
}

async function runInitdb(programs: PostgresPrograms, draft: string, passwordFile: string): Promise<void> {
  const call = programs.call("initdb", draft, [
    "--username=sluice",
    `--pwfile=${passwordFile}`,
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--no-locale",
    "--no-sync",
    "--no-instructions",
  ]);
  const { command, args, ...how } = call;
  try {
    await promisify(execFile)(command, args, how);
  } catch (error) {
    const output = String((error as { stderr?: string }).stderr ?? error).trim();
    throw new Error(`PostgreSQL could not be initialised: ${output}`, { cause: error });
  }
}
