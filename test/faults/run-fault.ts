import { setTimeout as delay } from "node:timers/promises";
import { until } from "../e2e/kit/until.ts";
import type { Bite, Fault, Scene } from "./fault.ts";
import { type FaultCluster, startFaultCluster } from "./kit/fault-cluster.ts";
import { type LedgerReader, openLedger } from "./kit/read-ledger.ts";
import { recordRun, watchResults } from "./kit/record-run.ts";
import { startWorkload } from "./kit/workload.ts";
import { type Judgement, judgeRun } from "./oracle/judge-run.ts";

/** One line of the report. */
export interface FaultReport {
  readonly fault: Fault;
  readonly bite: Bite;
  readonly judgement: Judgement;
  readonly jobs: number;
  readonly inFlight: number;
  /** Answers that were no 202, which a retry of the client covered. */
  readonly refused: number;
  /** From the injection until it was mended. */
  readonly brokenMs: number;
  /** From when it was mended until jobs ended again. */
  readonly goesOnMs: number;
  /** From the injection until the last job that was in flight then had ended. */
  readonly inFlightEndedMs: number;
}

/** Single jobs go on for so long after what was broken is mended. */
const afterglowMs = 3_000;
const leastInFlight = 4;

/** Runs one fault on a cluster of its own and judges what came of it. */
export async function runFault(fault: Fault): Promise<FaultReport> {
  const cluster = await startFaultCluster();
  const ledger = openLedger(cluster.supervised.databaseUrl);
  try {
    return await breakAndJudge(fault, cluster, ledger);
  } finally {
    await ledger.close();
    await cluster.stop();
  }
}

async function breakAndJudge(
  fault: Fault,
  cluster: FaultCluster,
  ledger: LedgerReader,
): Promise<FaultReport> {
  const workload = await startWorkload(cluster);
  const watch = watchResults(cluster, ledger);
  const inFlight = await until("calls are in flight, and some were answered", () => callsUnderWay(cluster));
  const scene: Scene = { cluster, ledger, workload, inFlight };
  const brokenAt = Date.now();
  const bite = await fault.inject(scene);
  const mendedAt = Date.now();
  await delay(afterglowMs);
  await workload.finish();
  const run = await recordRun(cluster, ledger, { workload, watch });
  const judgement = judgeRun(run, {
    duplicateCalls: fault.duplicateCalls(scene),
    told: [...workload.promised, ...workload.batchIds],
  });
  const ended = new Map((await ledger.outcomes()).map(({ jobId, finishedAt }) => [jobId, finishedAt]));
  const next = Math.min(...[...ended.values()].filter((at) => at >= mendedAt));
  return {
    fault,
    bite,
    judgement,
    jobs: run.promised.length,
    inFlight: inFlight.length,
    refused: workload.refused(),
    brokenMs: mendedAt - brokenAt,
    goesOnMs: next - mendedAt,
    inFlightEndedMs: Math.max(brokenAt, ...inFlight.map((id) => ended.get(id) ?? Number.NaN)) - brokenAt,
  };
}

async function callsUnderWay({ simulators }: FaultCluster): Promise<string[] | undefined> {
  const calls = (await simulators["sim"]?.calls()) ?? [];
  const open = calls.flatMap(({ status, x_sluice_job_id: id }) =>
    status === null && id !== null ? [id] : [],
  );
  return open.length >= leastInFlight && calls.length > open.length ? open : undefined;
}
