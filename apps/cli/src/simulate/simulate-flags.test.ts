import { describe, expect, test } from "vitest";
import { readSimulateFlags } from "./simulate-flags.ts";

const tagsOf = (...args: string[]) => readSimulateFlags(args).sources.map(({ tags }) => tags);

describe("readSimulateFlags", () => {
  test("a tag counts for the trace or backlog before it, before the first for all without their own", () => {
    expect(
      tagsOf(
        ...["--sla", "batch", "--tenant", "x", "a.csv", "b.jsonl", "--sla", "standard", "--priority", "3"],
        ...["--backlog", "5x8+2", "--model", "auto"],
      ),
    ).toEqual([
      { sla: "batch", tenant: "x" },
      { sla: "standard", tenant: "x", priority: 3 },
      { sla: "batch", tenant: "x", model: "auto" },
    ]);
  });

  test.each([
    [["--sla", "s1", "a.csv", "--sla", "s2", "b.csv"]],
    [["a.csv", "--sla", "s1", "b.csv", "--sla", "s2"]],
    [["a.csv", "b.csv", "--sla", "s1", "--sla=s2"]],
  ])("a tag that is there once for each trace counts in their order: %j", (args) => {
    expect(tagsOf(...args)).toEqual([{ sla: "s1" }, { sla: "s2" }]);
  });

  test("takes its usual values where nothing is said", () => {
    expect(readSimulateFlags(["a.csv"])).toMatchObject({
      sources: [{ kind: "trace", file: "a.csv" }],
      ...{ seed: 1, workers: 2, concurrency: 64, speed: 1, repeat: 1, json: false },
      schedulers: ["sluice", "fifo", "static-priority"],
    });
  });

  test("reads the rest: a backlog's sizes, shares, bounds and changes to the configuration", () => {
    const flags = readSimulateFlags([
      ...["--backlog=50x800+200", "--mix", "interactive=0.7,standard=0.3"],
      ...["--for", "30m", "--jobs", "10", "--set", "a.b=1", "--set", "c=x=y", "--scheduler", "fifo,sluice"],
    ]);
    expect(flags.sources[0]).toMatchObject({
      kind: "backlog",
      jobs: 50,
      inputTokens: 800,
      outputTokens: 200,
    });
    expect([...(flags.sources[0]?.tags.mix ?? [])]).toEqual([
      ["interactive", 0.7],
      ["standard", 0.3],
    ]);
    expect(flags).toMatchObject({ forMs: 1_800_000, jobs: 10, schedulers: ["fifo", "sluice"] });
    expect(flags.sets).toEqual([
      { path: "a.b", value: "1" },
      { path: "c", value: "x=y" },
    ]);
  });

  test.each([
    [[], "Name a trace"],
    [["a.csv", "--bogus"], "--bogus"],
    [["a.csv", "--seed", "x"], "--seed must be a whole number"],
    [["a.csv", "--workers", "0"], "--workers must be a whole number of 1 or more"],
    [["a.csv", "--priority", "10"], "--priority must be a whole number from 0 to 9"],
    [["a.csv", "--load", "0"], "--load must be a number above zero"],
    [["a.csv", "--for", "soon"], "--for must be a duration"],
    [["--backlog", "5000"], "--backlog must be JOBSxINPUT+OUTPUT"],
    [["a.csv", "--mix", "interactive"], "--mix must be like"],
    [["a.csv", "--set", "x"], "--set must be path=value"],
    [["a.csv", "--scheduler", "lifo"], "--scheduler must be among sluice, fifo, static-priority"],
    [["a.csv", "--sla", "x", "--sla", "y"], "--sla is there twice"],
  ])("says what is wrong with %j", (args, message) => {
    expect(() => readSimulateFlags(args)).toThrow(message);
  });
});
