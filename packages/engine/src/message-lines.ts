import {
  type Batch,
  type FileStore,
  type JobRefusal,
  type NewLine,
  type RouteRequest,
  SluiceError,
} from "@sluice/domain";
import type { Payers } from "./budgets.ts";
import { payloadOf } from "./payloads.ts";
import { requireServed } from "./spec-job.ts";
import { lineJob, type ReadBatchLine, type SpecLinePorts } from "./spec-line.ts";
import { splitLines } from "./split-lines.ts";

/** A kept request of a message batch (contracts). */
export interface ReadMessageLine {
  readonly customId: string;
  readonly body: Buffer;
  readonly parsedBody: RouteRequest["body"];
  readonly read:
    | { readonly ok: true; readonly request: Omit<ReadBatchLine, "customId" | "body" | "parsedBody"> }
    | { readonly ok: false; readonly error: SluiceError };
}

export interface MessageLinePorts extends SpecLinePorts {
  readonly files: FileStore;
  readonly readMessageLine: (line: Buffer) => ReadMessageLine;
  /** The answer that stands in for one of the upstream (contracts). */
  readonly renderRefusal: (error: SluiceError) => JobRefusal;
}

/**
 * Yields the lines of a message batch's input. Its form was checked when it was accepted; a request that cannot run does
 * not fail the batch, but comes in with its refusal.
 */
export async function* messageLines(
  ports: MessageLinePorts,
  batch: Batch,
  payers: Payers,
  input: AsyncIterable<Buffer>,
): AsyncGenerator<NewLine[]> {
  for await (const lines of splitLines(input, Number.MAX_SAFE_INTEGER)) {
    const made: NewLine[] = [];
    for (const { bytes, number } of lines)
      made.push(await newLine(ports, batch, payers, { ...ports.readMessageLine(bytes), number }));
    yield made;
  }
}

async function newLine(
  ports: MessageLinePorts,
  batch: Batch,
  payers: Payers,
  { read, body: bytes, ...line }: ReadMessageLine & { readonly number: number },
): Promise<NewLine> {
  const body = await payloadOf(bytes, ports.files);
  const error = read.ok ? whyNotServed(ports, batch, { ...line, ...read.request }) : read.error;
  if (read.ok && error === undefined)
    return lineJob(ports, batch, payers, { ...line, ...read.request, body });
  const job = lineJob(ports, batch, payers, { ...line, ...nothing, body });
  return { ...job, refusal: error && ports.renderRefusal(error) };
}

/** Of a request that cannot run nothing is taken over: what it names may be no text that can be kept. */
const nothing = {
  model: "",
  inputTokens: 0,
  maxOutputTokens: undefined,
  capabilities: [],
  parsedBody: undefined,
};

function whyNotServed(
  { config }: MessageLinePorts,
  batch: Batch,
  { model, parsedBody }: Pick<ReadBatchLine, "model" | "parsedBody">,
): SluiceError | undefined {
  try {
    requireServed(config(), { model, endpoint: batch.endpoint, parsedBody });
    return undefined;
  } catch (error) {
    if (error instanceof SluiceError) return error;
    throw error;
  }
}
