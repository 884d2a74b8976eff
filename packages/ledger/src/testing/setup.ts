import { createHash, randomBytes } from "node:crypto";
import {
  type AcceptJob,
  type BatchLine,
  type BatchSpec,
  createIdSource,
  type EventIds,
  type FailedLine,
  idFromUuid,
  type JobSpec,
  type JobToRun,
  type Route,
  type Settlement,
  tenantId,
  type WorkerId,
} from "@sluice/domain";
import { onTestFinished } from "vitest";
import { testPostgresUrl } from "../../../../test/kit/servers.ts";
import { connect } from "../client.ts";
import { createLedger, type Ledger } from "../create-ledger.ts";
import { migrate } from "../migrate.ts";

export const tenant = tenantId("default");
/** 2026-11-20 15:00 UTC; the ids of these tests are made at this time too. */
export const t0 = Date.UTC(2026, 10, 20, 15);
export const minute = 60_000;

export const lineBytesOf = ({ customId, failure }: FailedLine): number =>
  customId.length + failure.code.length;

/** Ids that grow by a millisecond each 4096 ids, from `t0`. */
function createIds() {
  const source = createIdSource({ now: () => t0 }, randomBytes);
  const newIds = (): EventIds => ({
    eventId: idFromUuid("event", source.uuid()),
    deliveryId: idFromUuid("delivery", source.uuid()),
  });
  return { source, newIds };
}

/** An empty, migrated database with a ledger on it, and a way to open further ones. */
export async function setup() {
  const url = await testPostgresUrl();
  await migrate(url);
  const { source, newIds } = createIds();
  const open = (): Ledger => {
    const ledger = createLedger({ url, maxConnections: 4 });
    onTestFinished(() => ledger.close());
    return ledger;
  };
  const sql = connect({ url, maxConnections: 2 });
  onTestFinished(() => sql.end());
  const ledger = open();

  function spec(changes: Partial<JobSpec> = {}): JobSpec {
    return { ...plainSpec, id: idFromUuid("job", source.uuid()), ...changes };
  }
  function accept(changes: Partial<JobSpec> = {}, rest: Partial<AcceptJob> = {}): AcceptJob {
    return { spec: spec(changes), laned: true, ...rest };
  }
  async function register(leaseMs = 10 * minute, on = ledger): Promise<WorkerId> {
    const id = idFromUuid("worker", source.uuid());
    await on.register({ id, host: "here", pid: 1, leaseMs });
    return id;
  }
  async function accepted(changes: Partial<JobSpec> = {}): Promise<JobSpec> {
    const job = accept(changes);
    await ledger.acceptJobs([job]);
    return job.spec;
  }
  async function started(changes: Partial<JobSpec> = {}, worker?: WorkerId) {
    const job = await accepted(changes);
    const workerId = worker ?? (await register());
    const [result] = await ledger.startAttempts([startOf(job, workerId, 0)]);
    if (result?.kind !== "started") throw new Error("not started");
    return { job, workerId, epoch: result.epoch };
  }
  async function load(job: JobSpec): Promise<JobToRun> {
    const [loaded] = await ledger.load([job.id]);
    if (loaded === undefined) throw new Error("not found");
    return loaded;
  }
  function batch(changes: Partial<BatchSpec> = {}): BatchSpec {
    const file = () => idFromUuid("file", source.uuid());
    const id = idFromUuid("batch", source.uuid());
    const files = { inputFileId: file(), outputFileId: file(), errorFileId: file() };
    return { ...plainBatch, id, ...files, ...changes };
  }
  /** A batch that runs, with `count` unlaned lines. */
  async function runningBatch(count: number, changes: Partial<BatchSpec> = {}, line: Partial<JobSpec> = {}) {
    const made = batch(changes);
    await ledger.createBatch(made);
    await ledger.claimValidation(made.id, "validator", minute);
    const lines = Array.from({ length: count }, (_, index) =>
      spec({ ...line, batchLine: lineOf(made, index + 1) }),
    );
    const inserted = await ledger.insertLines(made.id, "validator", once(lines), () => t0);
    if (inserted?.total !== count) throw new Error("not inserted");
    return { batch: made, lines };
  }
  async function leaderEpoch(on = ledger): Promise<number> {
    const leadership = await on.lead("dispatcher", "leader", 10 * minute);
    if (!leadership.leads) throw new Error("does not lead");
    return leadership.epoch;
  }
  const helpers = { spec, accept, accepted, register, started, load, batch, runningBatch, leaderEpoch };
  return { url, sql, ledger, open, source, newIds, ...helpers };
}

export type Setup = Awaited<ReturnType<typeof setup>>;

export async function* once<T>(items: readonly T[]): AsyncGenerator<readonly T[]> {
  yield items;
}

export function lineOf(batch: BatchSpec, line: number): BatchLine {
  return { batchId: batch.id, line, customId: `line-${line}` };
}

const plainSpec: Omit<JobSpec, "id"> = {
  tenantId: tenant,
  model: "auto",
  endpoint: "/v1/chat/completions",
  sla: "standard",
  priority: 0,
  acceptedAt: t0,
  deadlineAt: t0 + 15 * minute,
  effectiveDeadlineAt: t0 + 15 * minute,
  onMiss: "expire",
  onAmbiguous: "retry",
  maxAttempts: 3,
  body: { kind: "inline", bytes: Buffer.from('{"model":"auto","n":10000000000000000001,"n":1}') },
  inputTokens: 12,
  maxOutputTokens: undefined,
  capabilities: [],
  metadata: {},
  routing: {},
  webhookUrl: undefined,
  traceparent: undefined,
  batchLine: undefined,
  candidateSet: "set",
  tokens: 10,
  keyId: undefined,
  estimate: undefined,
};

const plainBatch: Omit<BatchSpec, "id" | "inputFileId" | "outputFileId" | "errorFileId"> = {
  tenantId: tenant,
  dialect: "openai",
  endpoint: "/v1/chat/completions",
  completionWindow: "24h",
  createdAt: t0,
  expiresAt: t0 + 24 * 60 * minute,
  sla: "batch",
  priority: 0,
  onMiss: "expire",
  onAmbiguous: "retry",
  maxAttempts: 3,
  metadata: undefined,
  routing: {},
  webhookUrl: undefined,
  webhookJobs: false,
  traceparent: undefined,
  keyId: undefined,
  maxSpendUsd: undefined,
  stopOnErrorRate: undefined,
};

export const route: Route = {
  chosen: "small-a",
  order: ["small-a"],
  candidates: [{ target: "small-a", pool: "small", scores: { cost: 0.5 }, total: 0.5 }],
  picker: "best",
  propensity: 1,
  policy: "balanced",
  configHash: "abc",
  decidedAt: t0,
  signals: {},
};

export function startOf(job: { readonly id: JobSpec["id"] }, workerId: WorkerId, fromEpoch: number) {
  return { jobId: job.id, fromEpoch, workerId, targetId: "small-a", startedAt: t0 + 1000, route };
}

interface Running {
  readonly job: JobSpec;
  readonly workerId: WorkerId;
  readonly epoch: number;
}

const usage = { inputTokens: 10, outputTokens: 20, cachedInputTokens: 3, reasoningTokens: 4 };

function settled({ job, workerId, epoch }: Running) {
  const common = {
    jobId: job.id,
    epoch,
    workerId,
    endedAt: t0 + 2000,
    targetId: "small-a",
    latencyMs: 900.5,
  };
  return { ...common, statusCode: 200, usage, costUsd: 0.0125, outcome: "succeeded" as const };
}

/** The settlement of an attempt that succeeded with `text`. */
export function success(running: Running, ids: EventIds, text = '{"ok":1}', lineBytes = 100): Settlement {
  const body = { kind: "inline", bytes: Buffer.from(text) } as const;
  const result = { statusCode: 200, body, contentType: "application/json", upstreamRequestId: "req-1" };
  return {
    ...settled(running),
    next: { kind: "end", state: "succeeded", result, failure: undefined, lineBytes, ids },
  };
}

/** The settlement of an attempt that was throttled and waits. */
export function waiting(running: Running, wait: { avoidTarget: boolean; spentAttempt: boolean }): Settlement {
  const next = { kind: "wait", notBeforeAt: t0 + 5000, ...wait } as const;
  return { ...settled(running), outcome: "throttled", statusCode: 429, usage: undefined, costUsd: 0, next };
}

/** The settlement of an attempt that ends the job without a result. */
export function ending(
  running: Running,
  state: "failed" | "dead" | "cancelled" | "expired",
  ids: EventIds,
): Settlement {
  const failure = { code: "attempts_exhausted", message: "All attempts failed." };
  const end = { kind: "end", state, result: undefined, failure, lineBytes: 50, ids } as const;
  return {
    ...settled(running),
    outcome: "unreachable",
    statusCode: undefined,
    usage: undefined,
    costUsd: 0,
    next: end,
  };
}

export function claimOf(key: string, body: string, id: string) {
  const bodySha256 = createHash("sha256").update(body).digest();
  return { route: "POST /v1/jobs", key, bodySha256, response: { status: 202, body: JSON.stringify({ id }) } };
}
