import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import { bulkLineSchema, parseJson, parseWith, renderError } from "@sluice/contracts";
import { errorCatalogue, type IdempotencyKey, type Logger, SluiceError } from "@sluice/domain";
import { type AcceptedJob, type AcceptJobRequest, isBlank, type RawLine, splitLines } from "@sluice/engine";
import { type JobSource, jobFieldsOf } from "../job-request.ts";
import { createInOrder } from "./in-order.ts";

/** Room for what stands around a job's body in its line. */
const envelopeBytes = 65_536;
/** Groups of lines, one for each chunk that is read, whose jobs are being committed while the next are parsed. */
const groupsUnderWay = 4;
const bytesUnderWay = 32 << 20;

/** Claims of lines and of calls cannot meet. */
const lineRoute = "POST /v1/jobs/bulk";
const callRoute = "POST /v1/jobs/bulk, by place";

export interface BulkCall {
  readonly source: JobSource;
  /** The Idempotency-Key of the whole call: each line without a key of its own is known by it and by its place. */
  readonly key: string | undefined;
  readonly traceparent: string | undefined;
  readonly acceptJob: (request: AcceptJobRequest) => Promise<AcceptedJob>;
  readonly logger: Logger;
}

/**
 * Accepts the jobs of NDJSON lines. `answer` gets lines of NDJSON in the order of the input, each as soon as those
 * before it are answered, and must not wait for a reader. Blank lines are counted and not answered.
 */
export async function acceptLines(
  call: BulkCall,
  content: Readable,
  answer: (text: string) => Promise<void>,
): Promise<void> {
  const mostLineBytes = call.source.config().limits.jobBodyBytes + envelopeBytes;
  const inOrder = createInOrder<readonly string[]>({
    finish: (answers) => answer(answers.join("")),
    most: groupsUnderWay,
    mostBytes: bytesUnderWay,
  });
  try {
    for await (const lines of splitLines(content, mostLineBytes)) {
      const group = lines.filter(({ bytes, tooLong }) => tooLong || !isBlank(bytes));
      if (group.length === 0) continue;
      const bytes = group.reduce((sum, line) => sum + line.bytes.length, 0);
      await inOrder.add(Promise.all(group.map((line) => answerLine(call, line))), bytes);
    }
  } finally {
    await inOrder.done();
  }
}

/** Never rejects: what is wrong with one line is said of that line. */
async function answerLine(call: BulkCall, line: RawLine): Promise<string> {
  const index = line.number - 1;
  try {
    const { body, replayed } = await call.acceptJob(requestOf(call, line));
    const { id } = JSON.parse(body) as { id: string };
    return `${JSON.stringify({ index, id, ...(replayed ? { replayed } : {}) })}\n`;
  } catch (error) {
    return `${JSON.stringify({ index, ...renderLineError(call, error) })}\n`;
  }
}

function requestOf(call: BulkCall, { number, bytes, tooLong }: RawLine): AcceptJobRequest {
  if (tooLong) throw new SluiceError("payload_too_large", "The line is too long.");
  const { idempotency_key: key, ...asked } = parseWith(bulkLineSchema, parseJson(bytes));
  const { fields, body } = jobFieldsOf(call.source, asked, bytes);
  return {
    fields: { ...fields, traceparent: call.traceparent },
    body,
    idempotency: idempotencyOf(call, { key, place: number, bytes }),
  };
}

function idempotencyOf(
  call: BulkCall,
  { key, place, bytes }: { key: string | undefined; place: number; bytes: Buffer },
): IdempotencyKey | undefined {
  if (key === undefined && call.key === undefined) return undefined;
  const bodySha256 = createHash("sha256").update(bytes).digest();
  if (key === undefined) return { route: callRoute, key: `${call.key} ${place}`, bodySha256 };
  return { route: lineRoute, key, bodySha256 };
}

function renderLineError({ logger }: BulkCall, error: unknown): Record<string, unknown> {
  const known = error instanceof SluiceError;
  if (!known) logger.error({ route: lineRoute, err: error }, "a line of a bulk call failed");
  const told = known ? error : new SluiceError("internal_error", "Something went wrong here.");
  const { status } = errorCatalogue[told.code];
  const { retryAfterSeconds } = told;
  return {
    error: {
      ...renderError(told).error,
      status,
      ...(retryAfterSeconds === undefined ? {} : { retry_after: retryAfterSeconds }),
    },
  };
}
