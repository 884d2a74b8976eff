import type { BatchErrorCode, EngineConfig, JobSpec, KeptEstimate, TenantId } from "@sluice/domain";
import { tenantConfig } from "../tenant-config.ts";
import type { Forecaster } from "./forecaster.ts";

export interface BatchAdmissionPorts {
  readonly forecaster: Pick<Forecaster, "estimate" | "tenantBacklog" | "additions" | "refreshed">;
  readonly config: () => EngineConfig;
}

interface FaultOfBatch {
  readonly code: BatchErrorCode;
  readonly message: string;
  readonly param: string;
}

/** Counts the lines of one batch while it is validated. */
export interface BatchAdmission {
  /** The line's estimate, behind the lines before it. */
  take(line: JobSpec): KeptEstimate | undefined;
  /** Takes back what was counted for lines that will not run, by candidate set. */
  spare(tokens: ReadonlyMap<string, number>): void;
  /**
   * Once all lines are taken: why they have no room, if that is so. Else their tokens count as enqueued until a snapshot
   * counts them, or until `dropped`.
   */
  close():
    | { readonly fault: FaultOfBatch }
    | { readonly committed: () => void; readonly dropped: () => void };
}

/** Begins to count a batch by the newest that is known. */
export async function openBatchAdmission(
  { forecaster, config }: BatchAdmissionPorts,
  tenant: TenantId,
): Promise<BatchAdmission> {
  await forecaster.refreshed();
  const sets = new Map<string, JobSpec>();
  const tokensOf = (set: string) => sets.get(set)?.tokens ?? 0;
  return {
    take(line) {
      const before = tokensOf(line.candidateSet);
      sets.set(line.candidateSet, { ...line, tokens: before + line.tokens });
      return forecaster.estimate(line, before);
    },
    spare(tokens) {
      for (const [set, spared] of tokens) {
        const line = sets.get(set);
        if (line !== undefined) sets.set(set, { ...line, tokens: Math.max(0, line.tokens - spared) });
      }
    },
    close() {
      const quota = tenantConfig(config(), tenant).limits.enqueuedTokens;
      const tokens = [...sets.values()].reduce((sum, each) => sum + each.tokens, 0);
      const enqueued = quota === undefined ? 0 : forecaster.tenantBacklog(tenant).tokens;
      if (quota !== undefined && enqueued + tokens > quota)
        return { fault: tooManyTokens(tokens, enqueued, quota) };
      const counted = [...sets.values()].map((sum) => forecaster.additions.add(sum));
      return {
        committed() {
          for (const { committed } of counted) committed();
        },
        dropped() {
          for (const { dropped } of counted) dropped();
        },
      };
    },
  };
}

function tooManyTokens(tokens: number, enqueued: number, quota: number): FaultOfBatch {
  const advice = tokens > quota ? "Split it." : "Try again once other jobs have finished.";
  const message = `Enqueued token limit reached: the batch counts ${tokens} tokens, unfinished jobs of this tenant ${Math.round(enqueued)}, and all together may count ${quota}. ${advice}`;
  return { code: "token_limit_exceeded", message, param: "input_file_id" };
}
