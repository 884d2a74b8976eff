import { SluiceApiError, SluiceConnectionError } from "./errors.ts";
import { linesOf } from "./event-stream.ts";
import type { BulkLine } from "./line-chunks.ts";
import { createRetrier } from "./retry.ts";
import type { OpenAnswer, Transport } from "./transport.ts";
import type { BulkAnswer } from "./types.ts";

/** Answers so far by the request's index: those that stand, and refusals that may be otherwise at the next try. */
interface Answers {
  readonly final: Map<number, BulkAnswer>;
  readonly refused: Map<number, BulkAnswer>;
}

/**
 * Sends lines and answers each, in order. When the call breaks, only the lines without an answer are sent again; their
 * keys make sure that none is accepted twice. The same for lines that were refused for the moment (a full queue).
 */
export async function sendChunk(
  transport: Transport,
  lines: readonly BulkLine[],
  signal: AbortSignal,
): Promise<BulkAnswer[]> {
  const { runtime, maxRetries } = transport.options;
  const retrier = createRetrier({ runtime, maxRetries, signal });
  const answers: Answers = { final: new Map(), refused: new Map() };
  for (;;) {
    const open = lines.filter(({ index }) => !answers.final.has(index));
    const failure = await sendOnce(transport, { lines: open, answers, signal });
    const missing = open.filter(({ index }) => !answers.final.has(index));
    if (missing.length === 0) return lines.flatMap(({ index }) => answers.final.get(index) ?? []);
    if (missing.length < open.length) retrier.succeeded();
    try {
      await retrier.failed(failure);
    } catch (error) {
      if (missing.some(({ index }) => !answers.refused.has(index)) || signal.aborted) throw error;
      return lines.flatMap(({ index }) => answers.final.get(index) ?? answers.refused.get(index) ?? []);
    }
  }
}

interface Sending {
  readonly lines: readonly BulkLine[];
  readonly answers: Answers;
  readonly signal: AbortSignal;
}

/** Sends lines once, keeps the answers that come, and answers why there are not more. */
async function sendOnce(transport: Transport, { lines, answers, signal }: Sending): Promise<unknown> {
  const body = lines.map(({ text }) => `${text}\n`).join("");
  const headers = { "content-type": "application/x-ndjson" };
  answers.refused.clear();
  try {
    const answer = await transport.open({ method: "POST", path: "/v1/jobs/bulk", body, headers, signal });
    for await (const told of answersOf(answer)) {
      const line = lines[told.index];
      if (line === undefined) throw new Error("an answer to no line");
      keep(answers, { ...told, index: line.index });
    }
  } catch (error) {
    return transport.explain(error, signal);
  }
  const [refused] = answers.refused.values();
  return refused === undefined
    ? new SluiceConnectionError("lines of a bulk call were not answered")
    : refusal(refused, transport.options.runtime.now());
}

function keep({ final, refused }: Answers, answer: BulkAnswer): void {
  const status = answer.error?.status ?? 0;
  (status === 429 || status >= 500 ? refused : final).set(answer.index, answer);
}

async function* answersOf({ response, limit }: OpenAnswer): AsyncGenerator<BulkAnswer> {
  try {
    for await (const line of linesOf(response.body ?? [])) {
      limit.restart();
      yield JSON.parse(line) as BulkAnswer;
    }
  } finally {
    limit.clear();
  }
}

/** A line's refusal as if the line had been a call, so that it is waited for alike. */
function refusal({ error }: BulkAnswer, nowMs: number): SluiceApiError {
  const { status = 503, retry_after: seconds } = error ?? {};
  const headers = new Headers(seconds === undefined ? {} : { "retry-after": String(seconds) });
  return new SluiceApiError({ status, headers }, JSON.stringify({ error }), nowMs);
}
