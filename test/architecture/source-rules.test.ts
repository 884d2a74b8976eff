import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { plantTree } from "./planted-tree.ts";
import { listFiles, type SourceFault, scanSources } from "./source-rules.ts";

const repository = join(import.meta.dirname, "../..");

const sound = {
  "apps/api/src/main.ts": "export const port = process.env.SLUICE_PORT;\n",
  "packages/embedded/src/index.ts": "export const path = process.env.PATH;\n",
  "packages/engine/src/index.ts":
    "// Date.now() in a comment\nexport const at = (clock: { now(): number; setTimeout(): void }) => (clock.setTimeout(), clock.now());\nexport const moment = new Date(0);\n",
  "packages/engine/src/index.test.ts": "setTimeout(() => Date.now(), process.env.X ? 1 : 2);\n",
  "packages/webhooks/src/index.ts": 'export const call = () => fetch("https://example.com");\n',
  "packages/ledger/src/index.ts":
    "export const now = () => Date.now();\nexport const repository = { fetch: 1 };\n",
  "vitest.config.ts": "export default {};\n",
};

/** Each file breaks one rule, on its first line. */
const faults: [SourceFault["rule"], string, string][] = [
  ["environment", "packages/config/src/a.ts", "export const home = process.env.HOME;"],
  ["environment", "apps/api/src/routes/a.ts", 'export const home = process.env["HOME"];'],
  ["environment", "packages/ledger/src/a.ts", 'import { env } from "node:process";'],
  ["environment", "packages/client/src/a.ts", "export const home = process.env.HOME;"],
  ["ports", "packages/domain/src/a.ts", "export const at = Date.now();"],
  ["ports", "packages/routing/src/a.ts", "export const chance = () => Math.random();"],
  ["ports", "packages/routing/src/b.ts", "export const chance = Math.random;"],
  ["ports", "packages/scheduling/src/a.ts", "export const at = new Date();"],
  ["ports", "packages/engine/src/a.ts", "setTimeout(() => undefined, 5);"],
  ["ports", "packages/engine/src/b.ts", "globalThis.setInterval(() => undefined, 5);"],
  ["ports", "packages/engine/src/c.ts", 'import { setTimeout as sleep } from "node:timers/promises";'],
  ["ports", "packages/engine/src/d.ts", "export const wait = setTimeout;"],
  ["default-export", "packages/queue/src/a.ts", "export default function open() {}"],
  ["default-export", "packages/queue/src/b.ts", "const open = 1; export default open;"],
  ["default-export", "packages/queue/src/c.ts", 'export { open as default } from "./d.ts";'],
  ["fetch", "packages/ledger/src/b.ts", 'export const page = await fetch("https://example.com");'],
  ["fetch", "apps/worker/src/main.ts", 'export const page = await globalThis.fetch("https://example.com");'],
];

test("keeps environment, clock, chance, timers and fetch where they belong, and exports by name", () => {
  const { files, faults: found } = scanSources(repository);
  expect(found).toEqual([]);
  expect(files).toBeGreaterThan(50);
});

test("finds no fault in sound sources", () => {
  using tree = plantTree(sound);
  expect(scanSources(tree.root).faults).toEqual([]);
});

test("finds each planted fault", () => {
  using tree = plantTree({
    ...sound,
    ...Object.fromEntries(faults.map(([, file, text]) => [file, `${text}\n`])),
  });
  const found = scanSources(tree.root).faults.map(({ rule, at }) => `${rule} ${at}`);
  expect(found.sort()).toEqual(faults.map(([rule, file]) => `${rule} ${file}:1`).sort());
});

/** What exists on one machine only. Put together here, so that this file does not contain it. */
const machinePaths = [
  ...["work", "root", "home", "Users"].map((folder) => `(?<![\\w.:})-])/${folder}/`),
  ...["facts", "design", "hooks"].map((folder) => `shared/${folder}\\b`),
].map((pattern) => new RegExp(pattern));
const isText = (file: string) => !/\.(?:png|gz|ico|woff2?)$/.test(file) && file !== "pnpm-lock.yaml";

function filesNamingMachinePaths(root: string): string[] {
  return listFiles(root).filter((file) => {
    if (!isText(file)) return false;
    const text = readFileSync(join(root, file), "utf8");
    return machinePaths.some((path) => path.test(text));
  });
}

test("names no path of the machine it was written on", () => {
  expect(filesNamingMachinePaths(repository)).toEqual([]);
});

test("finds a planted path of a machine", () => {
  const folder = "work";
  using tree = plantTree({
    "docs/a.md": `see /${folder}/notes\n`,
    "docs/b.md": "https://example.com/work/notes\n",
    "docs/c.md": `see ../${"shared"}/facts\n`,
  });
  expect(filesNamingMachinePaths(tree.root)).toEqual(["docs/a.md", "docs/c.md"]);
});
