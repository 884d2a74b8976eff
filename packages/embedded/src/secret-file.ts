import { randomBytes } from "node:crypto";
import { linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";

/** The secret kept in `file` (mode 0600), made by `make` when there is none yet; safe against two makers at once. */
export function secretFile(
  file: string,
  make: () => string = () => randomBytes(24).toString("base64url"),
): string {
  const kept = read(file);
  if (kept !== undefined) return kept;
  const draft = `${file}.${randomBytes(6).toString("hex")}`;
  writeFileSync(draft, `${make()}\n`, { mode: 0o600 });
  try {
    linkSync(draft, file); // fails when another process was first; then its secret counts
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  return read(file) ?? "";
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8").trim() || undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
