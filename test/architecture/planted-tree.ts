import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A throw-away tree shaped like this repository, for planting faults that a check must find. */
export interface PlantedTree extends Disposable {
  root: string;
}

/** npm packages that exist in the tree as empty modules, so that an import of them resolves. */
const npmPackages = [
  "bullmq",
  "gpt-tokenizer",
  "postgres",
  "ioredis",
  "openai",
  "undici",
  "zod",
  "pino",
  "prom-client",
];
const scopedPackages = [
  "@aws-sdk/client-s3",
  "@bull-board/api",
  "@marcbachmann/cel-js",
  "@opentelemetry/sdk-trace-node",
];

function write(root: string, file: string, text: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
}

/**
 * Writes `files` (path → text) into a new temporary folder. Packages under `packages/` are linked as
 * `@sluice/<name>` exactly as pnpm links workspaces. The folder is deleted on disposal.
 */
export function plantTree(files: Record<string, string>): PlantedTree {
  const root = mkdtempSync(join(tmpdir(), "sluice-planted-"));
  const manifest = (name: string) =>
    JSON.stringify({ name, type: "module", exports: { ".": "./src/index.ts" } });
  write(root, "package.json", manifest("planted"));
  write(
    root,
    "tsconfig.json",
    JSON.stringify({
      compilerOptions: { module: "NodeNext", allowImportingTsExtensions: true, noEmit: true },
    }),
  );
  for (const name of [...npmPackages, ...scopedPackages]) {
    write(root, `node_modules/${name}/package.json`, JSON.stringify({ name, main: "index.js" }));
    write(root, `node_modules/${name}/index.js`, "module.exports = {};\n");
  }
  mkdirSync(join(root, "node_modules/@sluice"), { recursive: true });
  const names = Object.keys(files).flatMap((file) => /^packages\/([^/]+)\//.exec(file)?.[1] ?? []);
  for (const name of new Set(names)) {
    write(root, `packages/${name}/package.json`, manifest(`@sluice/${name}`));
    symlinkSync(join(root, "packages", name), join(root, "node_modules/@sluice", name));
  }
  for (const [file, text] of Object.entries(files)) write(root, file, text);
  return { root, [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }) };
}
