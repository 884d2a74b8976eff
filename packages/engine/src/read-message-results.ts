import { Readable } from "node:stream";
import type { Batch, FileLedger } from "@sluice/domain";
import { InvalidBatch } from "./invalid-batch.ts";
import { type ReadFilePorts, renderView } from "./read-file.ts";
import { splitLines } from "./split-lines.ts";
import { openInput } from "./validate-batch.ts";

export interface ReadMessageResultsPorts extends ReadFilePorts {
  readonly ledger: ReadFilePorts["ledger"] & Pick<FileLedger, "findInput">;
  /** The custom_id of a line of the input (contracts). */
  readonly customIdOf: (line: Buffer) => string;
  /** The result of a request that no job was made for, with its newline (contracts). */
  readonly renderUnrun: (batch: Batch, customId: string) => Buffer;
}

/**
 * The results of an ended message batch as JSONL, rendered from the ledger. A batch that ended before its requests came
 * into the ledger still answers each of them: by its input.
 */
export function readMessageResults(ports: ReadMessageResultsPorts, batch: Batch): Readable {
  return Readable.from(batch.inProgressAt === undefined ? unrun(ports, batch) : run(ports, batch), {
    objectMode: false,
  });
}

async function* run(ports: ReadMessageResultsPorts, { id: batchId }: Batch): AsyncGenerator<Buffer> {
  yield* renderView(ports, { batchId, side: "output" });
  yield* renderView(ports, { batchId, side: "error" });
}

async function* unrun(ports: ReadMessageResultsPorts, batch: Batch): AsyncGenerator<Buffer> {
  try {
    for await (const lines of splitLines(openInput(ports, batch), Number.MAX_SAFE_INTEGER))
      yield Buffer.concat(lines.map(({ bytes }) => ports.renderUnrun(batch, ports.customIdOf(bytes))));
  } catch (error) {
    // An input that is lost is why the batch failed: its requests cannot be named any more.
    if (!(error instanceof InvalidBatch)) throw error;
  }
}
