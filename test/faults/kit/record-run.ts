import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { untilEnded } from "../../e2e/kit/batches.ts";
import { until } from "../../e2e/kit/until.ts";
import type { BatchReport, RunRecord, SeenCall, ServedResult } from "../oracle/run-record.ts";
import { type FaultCluster, pricePerMillion } from "./fault-cluster.ts";
import { leftBehind } from "./left-behind.ts";
import type { LedgerReader } from "./read-ledger.ts";
import type { Workload } from "./workload.ts";

const restMs = 300_000;
/** Longer than a dead worker's lease and everything that is taken back after it. */
const cleanMs = 60_000;

/** Reads each job once soon after it has ended, for as long as the run goes on. */
export interface Watch {
  readonly served: ServedResult[];
  stop(): Promise<void>;
}

/** Starts to watch; what cannot be read while something is broken is read later. */
export function watchResults(cluster: FaultCluster, ledger: LedgerReader): Watch {
  const stopping = new AbortController();
  const served: ServedResult[] = [];
  const seen = new Set<string>();
  const look = async (): Promise<void> => {
    for (const { jobId } of await ledger.outcomes()) {
      if (seen.has(jobId) || stopping.signal.aborted) continue;
      served.push(await readServed(cluster, jobId));
      seen.add(jobId);
    }
  };
  const loop = (async () => {
    while (!stopping.signal.aborted) {
      await look().catch(() => undefined);
      await delay(1_000);
    }
  })();
  return {
    served,
    async stop() {
      stopping.abort();
      await loop;
    },
  };
}

async function readServed({ url, supervised }: FaultCluster, jobId: string): Promise<ServedResult> {
  const response = await fetch(`${url}/v1/jobs/${jobId}`, {
    headers: { authorization: `Bearer ${supervised.adminKey}` },
    signal: AbortSignal.timeout(20_000),
  });
  if (response.status !== 200) throw new Error(`${jobId} was answered ${response.status}`);
  const { status, result, error } = (await response.json()) as Record<string, unknown>;
  const digest = createHash("sha256")
    .update(JSON.stringify([result, error]))
    .digest("hex")
    .slice(0, 16);
  return { jobId, state: String(status), digest };
}

/** Waits until nothing is under way any more, and gathers what each of the four witnesses says. */
export async function recordRun(
  cluster: FaultCluster,
  ledger: LedgerReader,
  { workload, watch }: { workload: Workload; watch: Watch },
): Promise<RunRecord> {
  const none = async (read: () => Promise<readonly unknown[]>) =>
    (await read()).length === 0 ? true : undefined;
  await until("every job ends", () => none(ledger.unfinished), restMs);
  for (const id of workload.batchIds) await untilEnded(cluster.openai, id, restMs);
  const pending = async () => (await ledger.deliveries()).filter(({ state }) => state === "pending");
  await until("every delivery is settled", () => none(pending), restMs);
  const left = await untilClean(cluster, ledger, workload);
  await watch.stop();
  const outcomes = await ledger.outcomes();
  const again: ServedResult[] = [];
  for (const { jobId } of outcomes) again.push(await readServed(cluster, jobId));
  const sim = cluster.simulators["sim"];
  if (sim === undefined) throw new Error("there is no simulator");
  return {
    promised: [...workload.promised, ...(await ledger.linesOf(workload.batchIds))],
    calls: (await sim.calls()).map(
      (call): SeenCall => ({
        jobId: call.x_sluice_job_id ?? "",
        status: call.status,
        inputTokens: call.input_tokens,
        outputTokens: call.output_tokens,
      }),
    ),
    callsDropped: await sim.dropped(),
    served: [...watch.served, ...again],
    webhooks: cluster.receiver.received.map(({ headers, body }) => {
      const { type, data } = JSON.parse(body) as { type: string; data: { id: string } };
      return { webhookId: headers["webhook-id"] ?? "", type, objectId: data.id };
    }),
    ledger: {
      jobs: await ledger.jobs(),
      unfinished: await ledger.unfinished(),
      outcomes,
      attempts: await ledger.attempts(),
      deliveries: await ledger.deliveries(),
    },
    batches: await Promise.all(workload.batchIds.map((id) => readBatch(cluster, id))),
    price: { input: pricePerMillion.input / 1e6, output: pricePerMillion.output / 1e6 },
    leftBehind: left,
  };
}

/** What a dead process held is taken back when a living one looks: so one job after the other is submitted. */
async function untilClean(
  cluster: FaultCluster,
  ledger: LedgerReader,
  workload: Workload,
): Promise<string[]> {
  const giveUpAt = performance.now() + cleanMs;
  for (let number = 0; ; number += 1) {
    const left = await leftBehind(cluster, ledger);
    if (left.length === 0 || performance.now() > giveUpAt) return left;
    await workload.submit(`after-${number}`);
    await until(
      "the job ends",
      async () => ((await ledger.unfinished()).length === 0 ? true : undefined),
      restMs,
    );
    await delay(1_500);
  }
}

async function readBatch({ api }: FaultCluster, id: string): Promise<BatchReport> {
  const { body } = await api.get(`/v1/batches/${id}`);
  return {
    id,
    status: body.status,
    total: body.request_counts.total,
    completed: body.request_counts.completed,
    failed: body.request_counts.failed,
    inputTokens: body.usage.input_tokens,
    outputTokens: body.usage.output_tokens,
    costUsd: body.cost_usd ?? body.sluice?.cost_usd,
  };
}
