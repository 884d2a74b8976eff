import type { BatchReport, OutcomeRow, RunRecord } from "./run-record.ts";
import type { Violation } from "./violation.ts";

/** Batches: ended, with the counts, usage and spend of their lines' outcomes. */
export function judgeBatches({ batches, ledger }: RunRecord): Violation[] {
  return batches.flatMap((batch): Violation[] => {
    const lines = ledger.outcomes.filter(({ batchId }) => batchId === batch.id);
    const wrong = differences(batch, {
      total: lines.length,
      completed: lines.filter(({ state }) => state === "succeeded").length,
      failed: lines.filter(({ state }) => state !== "succeeded").length,
      inputTokens: sum(lines.map(({ inputTokens }) => inputTokens ?? 0)),
      outputTokens: sum(lines.map(({ outputTokens }) => outputTokens ?? 0)),
    });
    if (!isNear(batch.costUsd, sum(lines.map(({ costUsd }) => costUsd)))) wrong.push("spend");
    if (batch.status !== "completed") wrong.push(`status ${batch.status}`);
    return wrong.length === 0
      ? []
      : [{ rule: "batches count what happened", detail: `${batch.id}: ${wrong.join(", ")}` }];
  });
}

type Sums = Pick<BatchReport, "total" | "completed" | "failed" | "inputTokens" | "outputTokens">;

function differences(batch: BatchReport, outcomes: Sums): string[] {
  const names = Object.keys(outcomes) as (keyof Sums)[];
  return names
    .filter((name) => batch[name] !== outcomes[name])
    .map((name) => `${name} ${batch[name]}, its outcomes ${outcomes[name]}`);
}

/** Each success is one of the upstream's own calls, token for token, at the target's price. */
export function judgeSpend({ calls, ledger, price }: RunRecord): Violation[] {
  const answered = new Set(
    calls
      .filter(({ status }) => status === 200)
      .map(({ jobId, inputTokens, outputTokens }) => `${jobId} ${inputTokens} ${outputTokens}`),
  );
  return ledger.outcomes
    .filter(({ state }) => state === "succeeded")
    .flatMap((outcome): Violation[] => {
      const { jobId, inputTokens, outputTokens } = outcome;
      const key = `${jobId} ${inputTokens} ${outputTokens}`;
      const isSeen = answered.has(key);
      const isPriced = isNear(outcome.costUsd, worth(outcome, price));
      return [
        ...(isSeen ? [] : [{ rule: "usage is what the upstream counted", detail: key } as const]),
        ...(isPriced
          ? []
          : [{ rule: "spend is usage at the price", detail: `${key}: ${outcome.costUsd}` } as const]),
      ];
    });
}

function worth({ inputTokens, outputTokens }: OutcomeRow, price: RunRecord["price"]): number {
  return (inputTokens ?? 0) * price.input + (outputTokens ?? 0) * price.output;
}

/** Sums of decimal fractions in binary. */
function isNear(left: number, right: number): boolean {
  return Math.abs(left - right) <= 1e-9 + Math.abs(right) * 1e-9;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
