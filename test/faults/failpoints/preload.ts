// Loaded by `--import` into the roles of a test cluster: makes the failpoints' marks into code, and dies at the one
// whose file is there. In production this file is never loaded and the marks are comments.
import { unlinkSync } from "node:fs";
import { registerHooks } from "node:module";
import { join } from "node:path";
import { compileFailpoints } from "./failpoints.ts";

const folder = process.env["SLUICE_TEST_FAILPOINTS"] ?? "";

function failpoint(name: string): void {
  try {
    // Whoever removes the file dies: once for each time it is armed, whichever process comes first.
    unlinkSync(join(folder, name));
  } catch {
    return;
  }
  process.kill(process.pid, "SIGKILL");
}

Object.assign(globalThis, { failpoint });
registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.includes("/packages/engine/") || loaded.source === undefined || loaded.source === null)
      return loaded;
    return { ...loaded, source: compileFailpoints(Buffer.from(loaded.source as Uint8Array).toString()) };
  },
});
