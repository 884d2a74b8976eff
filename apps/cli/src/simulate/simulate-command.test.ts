import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { type TestContext, testContext } from "../fake-api.fixture.ts";
import { runProgram } from "../program.ts";

const yaml = `version: 1
providers:
  fast: { kind: simulator, ttft_ms: 200, tokens_per_second: 100 }
pools:
  small:
    targets:
      - { id: small, provider: fast, model: s, limits: { requests_per_minute: 60, tokens_per_minute: 30000, concurrency: 8 }, price: { input: 1, output: 2 } }
models: { auto: { pools: [small] } }
`;
const line = (atMs: number, more = "") => `{"at_ms":${atMs},"input_tokens":300,"output_tokens":100${more}}\n`;
const azure = `TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:15:46.6805900,374,44
2023-11-16 18:15:56.6805900,396,109
2023-11-16 18:16:06.6805900,100,10
`;

let context: TestContext;
afterEach(() => context.remove());

async function simulate(...args: string[]) {
  context = testContext();
  const file = (name: string, text: string) => writeFileSync(join(context.folder, name), text);
  file("sluice.yaml", yaml);
  file(
    "trace.jsonl",
    Array.from({ length: 90 }, (_, n) => line(n * 100)).join("") + line(9_000, ',"sla":"batch","tenant":"t"'),
  );
  file("azure.csv", azure);
  file("bad.jsonl", `${line(0)}{"at_ms": 1}\n`);
  const code = await runProgram(context, ["simulate", ...args]);
  return { code, ...context.written() };
}

async function reportOf(...args: string[]) {
  const { code, out, err } = await simulate(...args, "--json");
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return JSON.parse(out);
}

describe("sluice simulate", () => {
  test("prints the report as JSON in the shape of the contract, one run for each scheduler", async () => {
    const report = await reportOf("trace.jsonl");
    expect(Object.keys(report)).toEqual(["seed", "config_hash", "runs"]);
    expect(report.runs.map(({ scheduler }: { scheduler: string }) => scheduler)).toEqual([
      "sluice",
      "fifo",
      "static-priority",
    ]);
    const [run] = report.runs;
    const number = expect.any(Number);
    const eta = { p50_coverage: number, p95_coverage: number, width_ms: number, constant_width_ms: number };
    expect(run).toEqual({
      scheduler: "sluice",
      ...{ jobs: 91, succeeded: 91, expired: 0, dead: 0, calls: 91, throttled: 0 },
      ...{ spend_usd: number, makespan_ms: number },
      utilisation: { small: { requests: number, tokens: number, concurrency: number } },
      classes: {
        standard: { jobs: 90, attained: 1, wait_ms: { p50: number, p95: number, p99: number }, eta },
        batch: { jobs: 1, attained: 1, wait_ms: { p50: number, p95: number, p99: number }, eta },
      },
      tenants: {
        default: { tokens: 36_000, jain_window: null },
        t: { tokens: 400, jain_window: null },
      },
      eta,
    });
    expect(run.spend_usd).toBeCloseTo((91 * (300 + 2 * 100)) / 1_000_000, 9);
  });

  test("prints tables, writes the page, and is the same for the same seed", async () => {
    const args = ["trace.jsonl", "azure.csv", "--sla", "interactive", "--seed", "5", "--html", "out.html"];
    const first = await simulate(...args);
    expect(first.code).toBe(0);
    expect(first.out).toMatch(/answered 429 +0 +[1-9]/);
    expect(first.err).toContain("out.html");
    const page = readFileSync(join(context.folder, "out.html"), "utf8");
    expect(page).toContain("sluice simulate trace.jsonl azure.csv --sla interactive --seed 5");
    context.remove();
    expect((await simulate(...args)).out).toBe(first.out);
    expect(existsSync(join(context.folder, "out.html"))).toBe(true);
  });

  test("plays an Azure trace at another speed, again and again, beside a backlog", async () => {
    const sluice = ["--scheduler", "sluice"];
    const traced = ["azure.csv", "--sla", "interactive", "--tenant", "chat"];
    const plain = await reportOf(...traced, ...sluice);
    expect(plain.runs[0]).toMatchObject({ jobs: 3, tenants: { chat: { tokens: 1_033 } } });
    expect(plain.runs[0].makespan_ms).toBeGreaterThan(20_000);
    context.remove();
    const faster = await reportOf(...traced, "--speed", "10", ...sluice);
    expect(faster.runs[0].makespan_ms).toBeLessThan(4_000);
    context.remove();
    const again = await reportOf(
      ...traced,
      "--repeat",
      "3",
      "--backlog",
      "5x100+10",
      "--sla",
      "batch",
      ...sluice,
    );
    expect(again.runs[0].classes).toMatchObject({ interactive: { jobs: 9 }, batch: { jobs: 5 } });
    expect(again.runs[0].makespan_ms).toBeGreaterThan(60_000);
  });

  test("scales a trace to a share of the token limits", async () => {
    // 91 jobs of 400 tokens, 9.1 s in all; at 50 % of 30,000 tokens a minute they need 145.6 s.
    const report = await reportOf("trace.jsonl", "--load", "0.5", "--scheduler", "sluice");
    expect(Math.abs(report.runs[0].makespan_ms / 145_600 - 1)).toBeLessThan(0.05);
  });

  test("draws classes and tenants by share, within bounds of number and time", async () => {
    const mixed = await reportOf(
      ...["trace.jsonl", "--mix", "interactive=3,batch=1", "--tenants", "a=1,b=1", "--scheduler", "sluice"],
    );
    const { classes, tenants } = mixed.runs[0];
    expect(classes.interactive.jobs + classes.batch.jobs).toBe(91);
    expect(classes.interactive.jobs).toBeGreaterThan(classes.batch.jobs);
    expect(Object.keys(tenants).sort()).toEqual(["a", "b", "t"]);
    context.remove();
    expect((await reportOf("trace.jsonl", "--jobs", "7", "--scheduler", "fifo")).runs[0].jobs).toBe(7);
    context.remove();
    expect((await reportOf("trace.jsonl", "--for", "2s", "--scheduler", "fifo")).runs[0].jobs).toBe(21);
  });

  test("answers what-if: half of the limit takes longer, and limits that the upstream does not have are refused", async () => {
    const half = "pools.small.targets[0].limits.requests_per_minute=30";
    const usual = await reportOf("trace.jsonl", "--scheduler", "sluice");
    context.remove();
    const halved = await reportOf("trace.jsonl", "--scheduler", "sluice", "--set", half);
    expect(halved.config_hash).not.toBe(usual.config_hash);
    expect(halved.runs[0].makespan_ms).toBeGreaterThan(usual.runs[0].makespan_ms + 50_000);
    context.remove();
    const wrong = await reportOf(
      "trace.jsonl",
      "--scheduler",
      "sluice",
      "--set",
      "providers.fast.requests_per_minute=30",
    );
    expect(wrong.runs[0].throttled).toBeGreaterThan(0);
  });

  test.each([
    [["none.jsonl"], "none.jsonl cannot be read"],
    [["sluice.yaml"], "sluice.yaml:1 is not valid JSON"],
    [["bad.jsonl"], "bad.jsonl:2 input_tokens is required"],
    [["trace.jsonl", "--model", "nope"], "The model is not known here"],
    [["trace.jsonl", "--sla", "nope"], "sla"],
    [["trace.jsonl", "--config", "none.yaml"], "none.yaml cannot be read"],
    [
      ["trace.jsonl", "--set", "pools.small.targets[0].limits.tokens_per_minute=10k tpm"],
      'pools.small.targets[0].limits.tokens_per_minute must be a positive integer, got "10k tpm"',
    ],
    [["trace.jsonl", "--set", "pools.small.limit=1"], 'unknown key "limit"'],
    [["trace.jsonl", "--set", "version.x=1"], "--set version.x cannot be set"],
    [["--backlog", "5x1+1", "--load", "0.5"], "--load needs traces"],
    [["trace.jsonl", "--seed", "x"], "--seed"],
  ])("says in one line what is wrong with %j: exit code 2", async (args, message) => {
    const { code, out, err } = await simulate(...args);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain(message);
  });
});
