import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A server's own directory, and whether it is scratch: made for this run and removed after it. */
export type ServerDirectory = { readonly path: string; readonly scratch: boolean; remove(): void };

/** `dataDir/name` (mode 0700, kept), or a scratch directory when no data directory is given. */
export function serverDirectory(name: string, dataDir: string | undefined): ServerDirectory {
  if (dataDir === undefined) {
    const path = realpathSync(mkdtempSync(join(tmpdir(), `sluice-${name}-`)));
    return { path, scratch: true, remove: () => rmSync(path, { recursive: true, force: true }) };
  }
  mkdirSync(join(dataDir, name), { recursive: true, mode: 0o700 });
  return { path: realpathSync(join(dataDir, name)), scratch: false, remove: () => undefined };
}
