import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { secretFile } from "@sluice/embedded";
import type { Environment } from "./cluster-types.ts";

const shortest = 16;

/**
 * The admin key: `SLUICE_ADMIN_KEY`, or one that is made once and kept in `dataDir/admin-key` (mode 0600). Throws when
 * the given one is shorter than 16 characters.
 */
export function ensureAdminKey(dataDir: string, env: Environment): string {
  const given = env["SLUICE_ADMIN_KEY"];
  if (given !== undefined && given !== "") {
    if (given.length < shortest)
      throw new Error(`SLUICE_ADMIN_KEY must have at least ${shortest} characters.`);
    return given;
  }
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  return secretFile(join(dataDir, "admin-key"), () => `sk-sluice-${randomBytes(32).toString("base64url")}`);
}
