import type { Measures } from "./measure/snapshot.ts";
import { measureAccept } from "./phases/accept.ts";
import { measureBatchFile } from "./phases/batch-file.ts";
import { measureDecisions } from "./phases/decide.ts";
import { measureFinish } from "./phases/finish.ts";
import type { PhaseContext } from "./phases/phase.ts";
import { measurePickUp } from "./phases/pick-up.ts";
import { measureIdle, measureWaiting } from "./phases/quiet.ts";
import { measureThrough } from "./phases/through.ts";

/** Runs every phase on a freshly started system. The batch file is Sluice's alone: the baseline has none. */
export async function runRound(context: PhaseContext, batchFile: string): Promise<Measures> {
  const { system } = context;
  return {
    ...measureDecisions(context),
    ...(await measureAccept(context)),
    ...(await measureFinish(context)),
    ...(await measureThrough(context)),
    ...(await measurePickUp(context)),
    ...(await measureIdle(context)),
    ...(await measureWaiting(context)),
    ...(system.name === "sluice" ? await measureBatchFile(context, batchFile) : {}),
  };
}
