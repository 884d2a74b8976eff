import { createRequire } from "node:module";
import { join } from "node:path";
import { expect, test } from "vitest";
import { checkBoundaries } from "../../scripts/check-boundaries.ts";
import { plantTree } from "./planted-tree.ts";

const repository = join(import.meta.dirname, "../..");

interface CruiserConfig {
  forbidden: { name: string }[];
}
const config = createRequire(import.meta.url)("../../.dependency-cruiser.cjs") as CruiserConfig;
const rules = config.forbidden.map(({ name }) => name);

/** Every package that has a floor, from the rules themselves, so that none can be forgotten below. */
const packages = rules.flatMap((rule) =>
  rule === "floor-unlisted" ? [] : (/^floor-(.+)$/.exec(rule)?.[1] ?? []),
);

/** Each file breaks exactly one rule: the rule's name and the line that breaks it. */
const faults: { rule: string; file: string; line: string }[] = [
  ...packages.map((name) => ({
    rule: `floor-${name}`,
    file: `packages/${name}/src/too-high.ts`,
    line: `export * from "@sluice/${name === "simulation" ? "client" : "simulation"}";`,
  })),
  { rule: "floor-domain", file: "packages/domain/src/up.ts", line: 'export * from "@sluice/contracts";' },
  {
    rule: "floor-routing",
    file: "packages/routing/src/side.ts",
    line: 'export * from "@sluice/scheduling";',
  },
  { rule: "floor-ledger", file: "packages/ledger/src/sibling.ts", line: 'export * from "@sluice/queue";' },
  { rule: "floor-capacity", file: "packages/capacity/src/up.ts", line: 'export * from "@sluice/engine";' },
  {
    rule: "floor-engine",
    file: "packages/engine/src/type-only.ts",
    line: 'import type { value } from "@sluice/ledger";\nexport type Value = typeof value;',
  },
  { rule: "floor-unlisted", file: "packages/new-thing/src/a.ts", line: 'export * from "@sluice/domain";' },
  {
    rule: "nothing-imports-apps",
    file: "packages/files/src/app.ts",
    line: 'export * from "../../../apps/api/src/main.ts";',
  },
  {
    rule: "nothing-imports-apps",
    file: "apps/worker/src/app.ts",
    line: 'export * from "../../api/src/main.ts";',
  },
  {
    rule: "through-the-front-door",
    file: "packages/engine/src/side-door.ts",
    line: 'export * from "../../domain/src/room.ts";',
  },
  {
    rule: "tests-stay-tests",
    file: "packages/engine/src/kit.ts",
    line: 'export * from "../../../test/kit/servers.ts";',
  },
  { rule: "client-needs-nothing", file: "packages/client/src/openai/value.ts", line: 'import "openai";' },
  { rule: "tests-stay-tests", file: "packages/providers/src/sdk.ts", line: 'import "openai";' },
  { rule: "no-unresolvable", file: "packages/engine/src/nowhere.ts", line: 'export * from "not-installed";' },
  { rule: "sole-importer-bullmq", file: "packages/engine/src/bullmq.ts", line: 'import "bullmq";' },
  { rule: "sole-importer-bullmq", file: "apps/api/src/bullmq.ts", line: 'import "bullmq";' },
  { rule: "sole-importer-bull-board", file: "apps/worker/src/board.ts", line: 'import "@bull-board/api";' },
  { rule: "sole-importer-postgres", file: "apps/dispatcher/src/sql.ts", line: 'import "postgres";' },
  { rule: "sole-importer-ioredis", file: "packages/capacity/src/redis.ts", line: 'import "ioredis";' },
  { rule: "sole-importer-undici", file: "packages/ledger/src/http.ts", line: 'await import("undici");' },
  { rule: "sole-importer-zod", file: "packages/providers/src/parse.ts", line: 'import "zod";' },
  {
    rule: "sole-importer-cel-js",
    file: "packages/routing/src/cel.ts",
    line: 'import "@marcbachmann/cel-js";',
  },
  {
    rule: "sole-importer-gpt-tokenizer",
    file: "packages/routing/src/tokens.ts",
    line: 'import "gpt-tokenizer";',
  },
  {
    rule: "sole-importer-aws-sdk",
    file: "packages/engine/src/s3.ts",
    line: 'import "@aws-sdk/client-s3";',
  },
  { rule: "sole-importer-pino", file: "apps/worker/src/log.ts", line: 'import "pino";' },
  {
    rule: "sole-importer-opentelemetry",
    file: "packages/queue/src/trace.ts",
    line: 'import "@opentelemetry/sdk-trace-node";',
  },
  {
    rule: "sole-importer-prom-client",
    file: "packages/engine/src/metrics.ts",
    line: 'import "prom-client";',
  },
];

/** What the faults point at. None of these files breaks a rule. */
const sound = {
  ...Object.fromEntries(
    [...packages, "new-thing"].map((name) => [`packages/${name}/src/index.ts`, "export const value = 1;\n"]),
  ),
  "packages/ledger/src/index.ts": 'import "postgres";\nexport { value } from "@sluice/domain";\n',
  "packages/client/src/openai/types.ts":
    'import type { OpenAI } from "openai";\nexport type Client = OpenAI;\n',
  "packages/domain/src/room.ts": "export const value = 1;\n",
  "packages/engine/src/use.ts": 'import "@sluice/domain";\nimport "@sluice/routing";\n',
  "packages/ledger/src/x.server.test.ts": 'import "../../../test/kit/servers.ts";\n',
  "apps/api/src/main.ts": 'import "@sluice/ledger";\nimport "@bull-board/api";\nimport "zod";\n',
  "test/kit/servers.ts": 'import "bullmq";\nexport const value = 1;\n',
};

test("holds every import of this repository to its floor", () => {
  const { modules, violations } = checkBoundaries(repository);
  expect(violations).toEqual([]);
  expect(modules).toBeGreaterThan(50);
});

test("finds no fault in a sound tree", () => {
  using tree = plantTree(sound);
  const { modules, violations } = checkBoundaries(tree.root);
  expect(violations).toEqual([]);
  expect(modules).toBeGreaterThanOrEqual(Object.keys(sound).length);
});

test("finds each planted import that breaks a floor, a sole importer or an edge of the house", () => {
  using tree = plantTree({
    ...sound,
    ...Object.fromEntries(faults.map(({ file, line }) => [file, `${line}\n`])),
  });
  const { violations } = checkBoundaries(tree.root);
  const found = violations.map((violation) => violation.split(" → ")[0]);
  expect(found.sort()).toEqual(faults.map(({ rule, file }) => `${rule}: ${file}`).sort());
});

test("has a planted fault for every rule", () => {
  const planted = new Set(faults.map(({ rule }) => rule)).add("no-cycles");
  expect(rules.filter((rule) => !planted.has(rule))).toEqual([]);
});

test("finds a planted cycle, through values and through types", () => {
  using tree = plantTree({
    ...sound,
    "packages/engine/src/egg.ts": 'import { hen } from "./hen.ts";\nexport const egg: number = hen;\n',
    "packages/engine/src/hen.ts": 'import { egg } from "./egg.ts";\nexport const hen: number = egg;\n',
    "packages/domain/src/cause.ts":
      'import type { Effect } from "./effect.ts";\nexport type Cause = { of: Effect };\n',
    "packages/domain/src/effect.ts":
      'import type { Cause } from "./cause.ts";\nexport type Effect = { from: Cause };\n',
  });
  const { violations } = checkBoundaries(tree.root);
  const cyclic = violations.filter((violation) => violation.startsWith("no-cycles: "));
  expect(cyclic.join("\n")).toContain("packages/engine/src/egg.ts");
  expect(cyclic.join("\n")).toContain("packages/domain/src/cause.ts");
});

test("sees nothing in an empty tree, and says so", () => {
  using tree = plantTree({ "packages/domain/src/readme.txt": "", "elsewhere/a.ts": "export {};\n" });
  expect(checkBoundaries(tree.root).modules).toBe(0);
});
