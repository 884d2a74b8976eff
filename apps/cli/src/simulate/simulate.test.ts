import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { runProgram } from "../program.ts";

const config = `version: 1
providers: { sim: { kind: simulator, ttft_ms: 100, tokens_per_second: 100, requests_per_minute: 60, tokens_per_minute: 60000 } }
pools: { small: { targets: [ { id: one, provider: sim, model: m } ] } }
models: { auto: { pools: [small] } }
`;

const trace = Array.from({ length: 40 }, (_, n) =>
  JSON.stringify({ at_ms: n * 100, input_tokens: 100, output_tokens: 50 }),
).join("\n");

/** A folder with a configuration and a trace, and what the command writes there. */
function setup() {
  const folder = mkdtempSync(join(tmpdir(), "sluice-simulate-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "sluice.yaml"), config);
  writeFileSync(join(folder, "trace.jsonl"), trace);
  return async (...args: string[]) => {
    const written = { out: [] as string[], err: [] as string[] };
    const stream = (name: "out" | "err") => ({ write: (text: string) => written[name].push(text) });
    const context = {
      env: {},
      callerDir: folder,
      out: stream("out"),
      err: stream("err"),
      signal: new AbortController().signal,
      setEnv: () => undefined,
    };
    const code = await runProgram(context, ["simulate", ...args]);
    return { code, folder, out: written.out.join(""), err: written.err.join("") };
  };
}

describe("sluice simulate", () => {
  test("prints the report of every scheduler as JSON", async () => {
    const run = setup();
    const { code, out } = await run("trace.jsonl", "--json", "--seed", "5");
    const report = JSON.parse(out);
    expect(code).toBe(0);
    expect(report).toMatchObject({ seed: 5, config_hash: expect.stringMatching(/^[0-9a-f]+$/) });
    expect(report.runs.map((each: { scheduler: string }) => each.scheduler)).toEqual([
      "sluice",
      "fifo",
      "static-priority",
    ]);
    expect(report.runs[0]).toMatchObject({
      ...{ jobs: 40, succeeded: 40, expired: 0, dead: 0, calls: 40, throttled: 0, spend_usd: 0 },
      makespan_ms: expect.any(Number),
      utilisation: { one: { requests: expect.any(Number), tokens: expect.any(Number), concurrency: null } },
      classes: { standard: { jobs: 40, attained: 1, wait_ms: { p50: expect.any(Number) } } },
      tenants: { default: { tokens: 6_000, jain_window: null } },
      eta: expect.objectContaining({ p50_coverage: null }),
    });
  });

  test("gives each trace the tags behind it, and all of them those before the first", async () => {
    const run = setup();
    const { out } = await run(
      ...["--tenant", "t", "trace.jsonl", "--sla", "interactive", "trace.jsonl", "--sla", "batch"],
      ...["--backlog", "10x50+10", "--tenant", "night", "--json", "--scheduler", "sluice"],
    );
    const [report] = JSON.parse(out).runs;
    expect(
      Object.fromEntries(
        Object.entries(report.classes).map(([name, of]) => [name, (of as { jobs: number }).jobs]),
      ),
    ).toEqual({
      interactive: 40,
      batch: 40,
      standard: 10,
    });
    expect(Object.keys(report.tenants).sort()).toEqual(["night", "t"]);
  });

  test("draws classes by share, cuts by number and time, and brings the load that is asked for", async () => {
    const run = setup();
    const mixed = JSON.parse(
      (await run("trace.jsonl", "--mix", "interactive=1,batch=1", "--json", "--scheduler", "fifo")).out,
    );
    expect(Object.keys(mixed.runs[0].classes).sort()).toEqual(["batch", "interactive"]);
    const cut = JSON.parse((await run("trace.jsonl", "--jobs", "7", "--json", "--scheduler", "fifo")).out);
    expect(cut.runs[0].jobs).toBe(7);
    const short = JSON.parse((await run("trace.jsonl", "--for", "1s", "--json", "--scheduler", "fifo")).out);
    expect(short.runs[0].jobs).toBe(11);
    const slow = JSON.parse(
      (await run("trace.jsonl", "--load", "0.01", "--json", "--scheduler", "fifo")).out,
    );
    // 6,000 tokens at a hundredth of 60,000 a minute: ten minutes.
    expect(slow.runs[0].makespan_ms).toBeGreaterThan(599_000);
  });

  test("shows tables, writes the page, and changes the configuration for what-if", async () => {
    const run = setup();
    const path = "pools.small.targets[0].limits.requests_per_minute";
    const { out, folder } = await run(
      "--backlog",
      "200x100+50",
      "--set",
      `${path}=6000`,
      "--html",
      "report.html",
    );
    // The provider enforces 60 a minute, whatever the configuration believes.
    expect(out).toMatch(/answered 429 +[1-9][\d,]* +[1-9]/);
    expect(out).toMatch(/in time +sluice +fifo +static-priority/);
    expect(readFileSync(join(folder, "report.html"), "utf8")).toContain("<svg");
  });

  test.each([
    [[], "Name a trace"],
    [["missing.jsonl"], "missing.jsonl cannot be read"],
    [["sluice.yaml"], "sluice.yaml:1 is not valid JSON"],
    [["trace.jsonl", "--workers", "0"], "--workers must be a whole number of 1 or more"],
    [["trace.jsonl", "--priority", "11"], "--priority must be a whole number from 0 to 9"],
    [["trace.jsonl", "--mix", "interactive"], "--mix must be like"],
    [["trace.jsonl", "--scheduler", "best"], "--scheduler must be among"],
    [["trace.jsonl", "--sla", "gold"], "sla"],
    [["trace.jsonl", "--model", "none"], "model"],
    [["--backlog", "many"], "--backlog must be JOBSxINPUT+OUTPUT"],
    [["trace.jsonl", "--set", "pools.small.targets[0].limits.tokens=5"], "tokens"],
    [["trace.jsonl", "--set", "nothing"], "--set must be path=value"],
    [["trace.jsonl", "--loud"], "--loud"],
  ])("says in one line what is wrong with %j", async (args, message) => {
    const run = setup();
    const { code, err, out } = await run(...args);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain(message);
  });
});
