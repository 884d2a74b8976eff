// The floors of the house. An arrow may only point to what stands in its package's row; everything else
// is a violation. test/architecture plants one violation of each kind and expects each to be found.

/** Package → the packages it may import. What is not listed here may import nothing, so a new package starts red. */
const mayImport = {
  // floor 0
  domain: [],
  rules: [],
  tokens: [],
  dialects: [],
  // floor 1
  contracts: ["domain"],
  config: ["domain", "rules", "dialects"],
  routing: ["domain", "rules", "dialects"],
  scheduling: ["domain"],
  redis: ["domain"],
  // floor 2: siblings never import each other, apps wire them
  queue: ["domain", "contracts", "redis"],
  capacity: ["domain", "redis"],
  ledger: ["domain", "contracts"],
  files: ["domain", "contracts"],
  providers: ["domain", "contracts", "dialects"],
  webhooks: ["domain", "contracts"],
  telemetry: ["domain"],
  embedded: ["domain"],
  // floor 3: knows the floor below as ports of the domain
  engine: ["domain", "routing", "scheduling", "dialects"],
  // floor 4
  simulation: ["domain", "config", "routing", "scheduling", "capacity", "engine"],
  // what every role process does alike: it wires, as the apps above it do
  role: ["domain", "config", "redis", "queue", "files", "ledger", "telemetry", "engine"],
  // published, so it stands alone
  client: [],
};

/** Rule → the npm packages it guards (regular expression), and who alone may import them. */
const soleImporters = {
  bullmq: ["bullmq(?:-otel)?", ["packages/queue"]],
  "bull-board": ["@bull-board/[^/]+", ["apps/api"]],
  postgres: ["postgres", ["packages/ledger"]],
  ioredis: ["ioredis", ["packages/redis"]],
  undici: ["undici", ["packages/providers", "packages/webhooks", "apps/cli"]],
  zod: ["zod", ["packages/contracts", "packages/config", "apps/api"]],
  "cel-js": ["@marcbachmann/cel-js", ["packages/rules"]],
  "gpt-tokenizer": ["gpt-tokenizer", ["packages/tokens", "apps/simulator"]],
  "aws-sdk": ["@aws-sdk/[^/]+", ["packages/files"]],
  pino: ["pino", ["packages/telemetry"]],
  opentelemetry: ["@opentelemetry/(?:sdk|exporter|resources|instrumentation)[^/]*", ["packages/telemetry"]],
  "prom-client": ["prom-client", ["packages/telemetry", "apps/simulator"]],
};

const tests = "(?:[.]test|[.]fixture|/testing/[^/]+)[.]ts$";

const floors = Object.entries(mayImport).map(([name, below]) => ({
  name: `floor-${name}`,
  comment: `packages/${name} may import ${below.length > 0 ? below.join(", ") : "no other package"}. Arrows point down only.`,
  severity: "error",
  from: { path: `^packages/${name}/` },
  to: { path: "^packages/", pathNot: `^packages/(?:${[name, ...below].join("|")})/` },
}));

const importers = Object.entries(soleImporters).map(([name, [npmPackage, folders]]) => ({
  name: `sole-importer-${name}`,
  comment: `Only ${folders.join(", ")} may import ${name}; test/ may too.`,
  severity: "error",
  from: { path: "^(?:packages|apps)/", pathNot: `^(?:${folders.join("|")})/` },
  to: { path: `(?:^|node_modules/)${npmPackage}(?:/|$)` },
}));

module.exports = {
  forbidden: [
    ...floors,
    ...importers,
    {
      name: "floor-unlisted",
      comment: "A package without a row in .dependency-cruiser.cjs: give it its floor there first.",
      severity: "error",
      from: { path: "^packages/([^/]+)/", pathNot: `^packages/(?:${Object.keys(mayImport).join("|")})/` },
      to: { path: "^packages/([^/]+)/", pathNot: "^packages/$1/" },
    },
    {
      name: "nothing-imports-apps",
      comment: "Apps are the top floor: packages do not know them, and an app does not know another app.",
      severity: "error",
      from: { path: "^packages/|^apps/([^/]+)/" },
      to: { path: "^apps/", pathNot: "^apps/$1/" },
    },
    {
      name: "through-the-front-door",
      comment: "Another package is entered by its index.ts, never by a path into its folder.",
      severity: "error",
      from: { path: "^(?:packages|apps)/([^/]+)/" },
      to: { path: "^packages/([^/]+)/src/", pathNot: "^packages/[^/]+/src/index[.]ts$|^packages/$1/" },
    },
    {
      name: "tests-stay-tests",
      comment: "What ships never imports a test, the test kit or a test runner.",
      severity: "error",
      from: { path: "^(?:packages|apps|scripts)/", pathNot: `${tests}|^packages/client/src/openai/` },
      to: { path: `^test/|${tests}|node_modules/(?:fast-check|standardwebhooks|openai|@anthropic-ai)/` },
    },
    {
      name: "client-needs-nothing",
      comment:
        "The client is published without dependencies. It may know types of openai, which its user has.",
      severity: "error",
      from: { path: "^packages/client/", pathNot: tests },
      to: { path: "node_modules/", dependencyTypesNot: ["type-only"] },
    },
    {
      name: "no-cycles",
      comment: "A cycle makes two files one, and load order a matter of luck.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "no-unresolvable",
      comment: "The import leads nowhere: the file is missing, or package.json does not name the dependency.",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(?:^|/)(?:fixtures|samples|[.]sluice)/" },
    // Sees `import type` too: a floor is broken by a type as well as by a value.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default", "types"],
      mainFields: ["module", "main", "types"],
      extensions: [".ts", ".js", ".mjs", ".cjs", ".json"],
    },
  },
};
