import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const repository = join(import.meta.dirname, "..");
const source = join(repository, "packages/client");

interface Manifest {
  readonly private?: true;
  readonly exports: Readonly<Record<string, string>>;
  readonly devDependencies?: unknown;
}

/**
 * Writes `@sluice/client` into `folder` as it is published: JavaScript, types, README and licence. In the repository the
 * package is run from its TypeScript, so this is the one place that builds. Then: `npm pack FOLDER`, `npm publish FOLDER`.
 */
export function buildClient(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
  const project = join(source, "tsconfig.build.json");
  execFileSync(process.execPath, [tsc, "-p", project, "--outDir", folder], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  cpSync(join(source, "README.md"), join(folder, "README.md"));
  for (const name of ["LICENSE", "NOTICE"]) cpSync(join(repository, name), join(folder, name));
  const manifest = JSON.parse(readFileSync(join(source, "package.json"), "utf8")) as Manifest;
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(published(manifest), null, 2)}\n`);
}

function published({ private: _private, devDependencies: _devDependencies, ...manifest }: Manifest): object {
  const entries = Object.entries(manifest.exports).map(([entry, path]) => {
    const built = path.replace("./src/", "./").replace(/\.ts$/, "");
    return [entry, { types: `${built}.d.ts`, default: `${built}.js` }] as const;
  });
  return { ...manifest, exports: Object.fromEntries(entries), sideEffects: false };
}

if (import.meta.main) buildClient(resolve(process.argv[2] ?? join(source, "dist")));
