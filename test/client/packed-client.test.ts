import { execFileSync, spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildClient } from "../../scripts/build-client.ts";
import { readmeSnippets } from "./readme-snippets.ts";

/** Compilers and npm on a machine that does much else. */
const patienceMs = 300_000;

const folder = mkdtempSync(join(tmpdir(), "sluice-client-"));
const project = join(folder, "project");
const npm = (args: readonly string[], cwd: string) =>
  execFileSync("npm", [...args, "--silent", "--offline", "--no-audit", "--no-fund"], {
    cwd,
    encoding: "utf8",
  });

/** What a user of the published package has: the tarball, installed by npm into a project of his own. */
beforeAll(() => {
  buildClient(join(folder, "dist"));
  npm(["pack", "./dist"], folder);
  const [tarball = ""] = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), '{"name":"project","private":true,"type":"module"}');
  npm(["install", "--ignore-scripts", `../${tarball}`], project);
}, patienceMs);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("npm installs it alone, and Node imports it as it is", () => {
  expect(readdirSync(join(project, "node_modules")).filter((name) => !name.startsWith("."))).toEqual([
    "@sluice",
  ]);
  const installed = join(project, "node_modules/@sluice/client");
  expect(readdirSync(installed)).toEqual(
    expect.arrayContaining(["LICENSE", "NOTICE", "README.md", "index.js", "index.d.ts"]),
  );
  expect(JSON.parse(readFileSync(join(installed, "package.json"), "utf8"))).not.toHaveProperty("private");
  writeFileSync(
    join(project, "use.js"),
    `import { Sluice, resultOf, verifyWebhook } from "@sluice/client";
     import { queued, queuedFetch, asJob } from "@sluice/client/openai";
     const sluice = new Sluice({ baseUrl: "http://localhost:1/v1", apiKey: "k", fetch: async () => Response.json({ status: "succeeded", result: { body: 42 } }) });
     console.log(typeof verifyWebhook, typeof queued, typeof queuedFetch, typeof asJob, resultOf(await sluice.jobs.run({ endpoint: "/v1/x", body: {} })));`,
  );
  const told = execFileSync(process.execPath, ["use.js"], { cwd: project, encoding: "utf8" });
  expect(told.trim()).toBe("function function function function 42");
  writeFileSync(join(project, "use.cjs"), 'console.log(typeof require("@sluice/client").Sluice);');
  expect(execFileSync(process.execPath, ["use.cjs"], { cwd: project, encoding: "utf8" }).trim()).toBe(
    "function",
  );
});

test(
  "its README's snippets and its example hold its types, strictly, in a project that has openai",
  () => {
    const require = createRequire(import.meta.url);
    const link = (name: string, path: string) => {
      mkdirSync(dirname(join(project, "node_modules", name)), { recursive: true });
      symlinkSync(realpathSync(path), join(project, "node_modules", name));
    };
    link("openai", join(import.meta.dirname, "../node_modules/openai"));
    link("@types/node", join(import.meta.dirname, "../../node_modules/@types/node"));
    const snippets = readmeSnippets();
    expect(snippets.length).toBeGreaterThanOrEqual(5);
    for (const { name, code } of snippets) writeFileSync(join(project, `${name}.ts`), code);
    const example = join(import.meta.dirname, "../../packages/client/examples/receiver.ts");
    writeFileSync(join(project, "receiver.ts"), readFileSync(example));
    const options = { strict: true, noEmit: true, module: "NodeNext", target: "ES2022", types: ["node"] };
    const strict = { ...options, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true };
    writeFileSync(
      join(project, "tsconfig.json"),
      JSON.stringify({ compilerOptions: strict, include: ["*.ts"] }),
    );
    // One fault, to see that the types of the package reach this far.
    const fault = "void new Sluice().jobs.get('a').then((job) => job.nonsense);";
    writeFileSync(join(project, "fault.ts"), `import { Sluice } from "@sluice/client";\n${fault}\n`);
    const command = [require.resolve("typescript/bin/tsc"), "--pretty", "false"];
    const { stdout } = spawnSync(process.execPath, command, { cwd: project, encoding: "utf8" });
    expect(stdout.trimEnd().split("\n")).toEqual([
      expect.stringMatching(/^fault\.ts\(2,\d+\): error TS2339: Property 'nonsense' does not exist/),
      expect.stringMatching(/^ {2}Property 'nonsense' does not exist on type/),
    ]);
  },
  patienceMs,
);
