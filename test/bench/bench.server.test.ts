import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import type { Measures } from "./measure/snapshot.ts";

const main = fileURLToPath(new URL("main.ts", import.meta.url));

/** Measures that only a system that did its work can have; how large they are is nobody's business here. */
const ofBoth = [
  "accept.perSecond",
  "finish.perSecond",
  "through.perSecond",
  "pickUp.p50Ms",
  "redisBytes.perJobInRedis",
  "accept.cpu.total",
  "finish.cpu.worker",
  "finish.redis",
  "finish.redisIn",
  "finish.redisOut",
  "decide.perSecond",
];
/** A system that has nothing to do may really do nothing. */
const quiet = [
  "idle.cpuShare.total",
  "idle.redisPerSecond",
  "waiting.cpuShare.total",
  "waiting.redisPerSecond",
];
const ofSluice = ["batch.perSecond", "accept.statements", "finish.statements", "through.commits"];

describe("the bench", () => {
  it("measures both systems and prints a table", async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [main, "--quick", "--json"]);
    expect(stdout).toContain("| Accepted, single POSTs (jobs/s) |");
    const rounds = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Record<string, Measures[]>;
    expect(positive(rounds["baseline"]?.[0], ofBoth)).toEqual(ofBoth);
    expect(positive(rounds["sluice"]?.[0], [...ofBoth, ...ofSluice])).toEqual([...ofBoth, ...ofSluice]);
    for (const [measures] of Object.values(rounds))
      expect(quiet.filter((name) => Number.isFinite(measures?.[name]))).toEqual(quiet);
  });
});

function positive(measures: Measures | undefined, names: readonly string[]): string[] {
  return names.filter((name) => Number.isFinite(measures?.[name]) && (measures?.[name] ?? 0) > 0);
}
