import { parseArgs } from "node:util";
import type { Sizes } from "./phases/phase.ts";
import type { System } from "./systems/system.ts";

/** What the bench was asked to do. */
export interface BenchOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly sizes: Sizes;
  readonly systems: readonly System["name"][];
  /** Folder that stays, with logs and CPU profiles; a scratch folder without. */
  readonly keep: string | undefined;
  readonly json: boolean;
}

const full: Sizes = {
  warmUpJobs: 2_000,
  jobs: 10_000,
  throughJobs: 5_000,
  pickUps: 50,
  batchLines: 50_000,
  waitingJobs: 1_000,
  quietMs: 30_000,
  decideMs: 500,
};
const quick: Sizes = {
  warmUpJobs: 50,
  jobs: 300,
  throughJobs: 100,
  pickUps: 3,
  batchLines: 500,
  waitingJobs: 50,
  quietMs: 500,
  decideMs: 20,
};

export const usage = `npm run bench -- [--quick] [--rounds 5] [--seed 1] [--only sluice|baseline] [--profile FOLDER] [--json]

Compares Sluice with a plain BullMQ queue on this machine, in alternating rounds, and prints the medians as a table.
--quick    one short round, to see that it runs; its numbers mean nothing
--profile  keeps logs and a CPU profile of every process in FOLDER (profiling costs speed)
--json     prints every round's measures as well
`;

/** Reads the command line. Throws a sentence on what it does not know. */
export function readOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: "boolean", default: false },
      rounds: { type: "string" },
      seed: { type: "string", default: "1" },
      only: { type: "string" },
      profile: { type: "string" },
      json: { type: "boolean", default: false },
    },
  });
  return {
    rounds: Number(values.rounds ?? (values.quick ? 1 : 5)),
    seed: Number(values.seed),
    sizes: values.quick ? quick : full,
    systems: systemsOf(values.only),
    keep: values.profile,
    json: values.json,
  };
}

function systemsOf(only: string | undefined): BenchOptions["systems"] {
  if (only === undefined) return ["baseline", "sluice"];
  if (only === "baseline" || only === "sluice") return [only];
  throw new Error(`--only must be sluice or baseline, got "${only}"`);
}
