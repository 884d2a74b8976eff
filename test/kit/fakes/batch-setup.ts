import { Readable } from "node:stream";
import {
  carriedLineBytes,
  keepRequest,
  readBatchLine,
  readKeptRequest,
  renderRefusal,
} from "@sluice/contracts";
import type { Batch, BatchLineError, CarryOver, FileRecord, JobSpec, NewLine } from "@sluice/domain";
import { createForecaster, type LineReader, type ReadMessageLine, validateBatch } from "@sluice/engine";
import { sampleBatch, sampleConfig } from "../samples.ts";
import { createFakeClock } from "./fake-clock.ts";
import { createFaults } from "./faults.ts";
import { createMemoryFiles } from "./memory-files.ts";
import { createMemoryForecastBoard } from "./memory-forecast-board.ts";
import { createMemoryIdQueue } from "./memory-lanes.ts";
import { createCountingIds, createRecordingLogger, createRecordingMetrics } from "./records.ts";

function* pieces(text: string, size: number): Generator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const readLine: LineReader = (bytes, batchEndpoint) => {
  const read = readBatchLine(bytes, batchEndpoint);
  if (!read.ok) return read;
  const { customId, body, parsedBody, request } = read.line;
  return { ok: true, line: { customId, body, parsedBody, ...request, inputTokens: 3 } };
};

function readMessageLine(line: Buffer): ReadMessageLine {
  const { customId, params: body, parsed: parsedBody, read } = readKeptRequest(line);
  const told = read.ok ? { ok: true as const, request: { ...read.request, inputTokens: 3 } } : read;
  return { customId, body, parsedBody, read: told };
}

/** The input of a message batch with these params, of requests `c1`, `c2` and so on. */
export function messageInput(...all: readonly (object | string)[]): string {
  const kept = all.map((each, index) => {
    const params = Buffer.from(typeof each === "string" ? each : JSON.stringify(each));
    return keepRequest({ customId: `c${index + 1}`, params });
  });
  return Buffer.concat(kept).toString();
}

/** How a test differs from a usual batch. */
export interface BatchSetup {
  readonly batch?: Partial<Batch>;
  readonly limits?: Partial<ReturnType<typeof sampleConfig>["limits"]>;
  /** What the tenant's unfinished jobs may count, and what a leader has counted of them. */
  readonly enqueuedTokens?: { readonly limit: number; readonly counted: number };
  /** Whether the batch is cancelled while it is validated. */
  readonly cancelled?: boolean;
  /** Size of the pieces in which the file is read. */
  readonly chunkBytes?: number;
}

/** A validation on fakes: a stored input file of this text, a claim, and a ledger that keeps what it is given. */
export async function setupBatch(
  text: string,
  { batch = {}, limits = {}, enqueuedTokens, cancelled = false, chunkBytes }: BatchSetup = {},
) {
  const base = sampleConfig();
  const own = { weight: 1, maxPriority: 9, limits: { enqueuedTokens: enqueuedTokens?.limit ?? 1e9 } };
  const config = {
    ...base,
    limits: { ...base.limits, ...limits },
    ...(enqueuedTokens === undefined ? {} : { tenants: { [sampleBatch.tenantId]: own } }),
  };
  const clock = createFakeClock();
  const logger = createRecordingLogger();
  const board = createMemoryForecastBoard();
  const counted = { waitingTokens: enqueuedTokens?.counted ?? 0, runningTokens: 0 };
  await board.publish({
    ...{ version: 1, takenAt: clock.now(), targets: {}, sets: [], corrections: {}, records: {} },
    ...{ jobs: 0, jobsPerSecond: 0, tenants: { [sampleBatch.tenantId]: counted } },
  });
  const forecaster = createForecaster({ board, clock, logger, config: () => config });
  const files = createMemoryFiles();
  const stored = await files.put(Buffer.from(text));
  const content: FileRecord["content"] = { kind: "stored", key: stored.key };
  const file: FileRecord = {
    id: "file-in",
    tenantId: sampleBatch.tenantId,
    filename: "in.jsonl",
    purpose: "batch",
    bytes: stored.bytes,
    createdAt: sampleBatch.createdAt,
    expiresAt: undefined,
    content,
  };
  if (chunkBytes !== undefined)
    Object.assign(files, { open: async () => Readable.from(pieces(text, chunkBytes)) });
  const yielded: NewLine[] = [];
  const failures: { errors: readonly BatchLineError[]; total: number }[] = [];
  const claims: (Batch | undefined)[] = [{ ...sampleBatch, ...batch }];
  const faults = createFaults<"insertLines" | "failBatch">();
  const retry: JobSpec[] = [];
  const carried = new Map<string, number>();
  const found: { file: FileRecord | undefined } = { file };
  const ports = {
    ledger: {
      claimValidation: async () => claims.shift(),
      findInput: async () => found.file,
      keyUsdPerDay: async () => undefined,
      readRetryLines: async (_id: string, after: number, limit: number) =>
        retry.filter(({ batchLine }) => (batchLine?.line ?? 0) > after).slice(0, limit),
      async insertLines(
        _id: string,
        _holder: string,
        groups: AsyncIterable<readonly NewLine[]>,
        _now: () => number,
        carry?: CarryOver,
      ) {
        const before = yielded.length;
        for await (const group of groups) yielded.push(...group);
        if (batch.resumeFrom !== undefined) carry?.carried(carried);
        return faults.run("insertLines", () => (cancelled ? undefined : { total: yielded.length - before }));
      },
      failBatch: (_id: string, errors: readonly BatchLineError[], total: number) =>
        faults.run("failBatch", () => {
          failures.push({ errors, total });
          return ["dlv_1" as const];
        }),
    },
    files,
    deliveries: createMemoryIdQueue(),
    ids: createCountingIds(),
    forecaster,
    clock,
    logger,
    metrics: createRecordingMetrics(),
    config: () => config,
    readLine,
    readMessageLine,
    renderRefusal,
    carriedLineBytes,
    holder: "me",
  };
  return {
    ...ports,
    ports,
    files,
    yielded,
    failures,
    claims,
    faults,
    found,
    /** The lines of the batch that this one retries. */
    retry,
    /** Tokens of lines whose results are taken over, by candidate set. */
    carried,
    key: stored.key,
    run: () => validateBatch(ports, sampleBatch.id),
  };
}
