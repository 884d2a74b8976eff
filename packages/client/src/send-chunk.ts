import { SluiceApiError, SluiceConnectionError } from "./errors.ts";
import { linesOf } from "./event-stream.ts";
import type { BulkLine } from "./line-chunks.ts";
import { createRetrier, outageMs } from "./retry.ts";
import type { OpenAnswer, Transport } from "./transport.ts";
import type { BulkAnswer, BulkError } from "./types.ts";

/** Answers so far by the request's index: those that stand, and refusals that may be otherwise at the next try. */
interface Answers {
  readonly final: Map<number, BulkAnswer>;
  readonly refused: Map<number, BulkAnswer>;
}

/**
 * Sends lines and answers each, in order. When the call breaks, only the lines without an answer are sent again; their
 * keys make sure that none is accepted twice. Lines that find no room (a full queue, the tenant's limit) are sent again
 * until ten minutes have brought room to none of them.
 */
export async function sendChunk(
  transport: Transport,
  lines: readonly BulkLine[],
  signal: AbortSignal,
): Promise<BulkAnswer[]> {
  const { runtime, maxRetries } = transport.options;
  const forCalls = createRetrier({ runtime, maxRetries, signal });
  const forRoom = createRetrier({ runtime, outageMs, signal });
  const answers: Answers = { final: new Map(), refused: new Map() };
  for (;;) {
    const open = lines.filter(({ index }) => !answers.final.has(index));
    const failure = await sendOnce(transport, { lines: open, answers, signal });
    const missing = open.filter(({ index }) => !answers.final.has(index));
    if (missing.length === 0) break;
    if (missing.length < open.length) for (const retrier of [forCalls, forRoom]) retrier.succeeded();
    try {
      await (failure instanceof NoRoom ? forRoom.failed(failure.toWaitFor) : forCalls.failed(failure));
    } catch (error) {
      if (signal.aborted || missing.some(({ index }) => !answers.refused.has(index))) throw error;
      break;
    }
  }
  return lines.flatMap(({ index }) => answers.final.get(index) ?? answers.refused.get(index) ?? []);
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
  return refused?.error === undefined
    ? new SluiceConnectionError("lines of a bulk call were not answered")
    : new NoRoom(refused.error);
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

/** Room is looked for at least so often, whatever the API expects. */
const lookAgainSeconds = 30;

/** Lines were refused for the moment. */
class NoRoom {
  /** The first refusal as if it had been a call's, to be waited for alike. */
  readonly toWaitFor: SluiceApiError;
  constructor(error: BulkError) {
    const seconds = Math.min(lookAgainSeconds, error.retry_after ?? lookAgainSeconds);
    const headers = new Headers({ "retry-after": String(seconds) });
    this.toWaitFor = new SluiceApiError({ status: error.status, headers }, JSON.stringify({ error }), 0);
  }
}
