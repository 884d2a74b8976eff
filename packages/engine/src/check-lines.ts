import {
  type Batch,
  type BatchLineError,
  type EngineConfig,
  maxBatchErrors,
  SluiceError,
} from "@sluice/domain";
import { createCustomIds } from "./custom-ids.ts";
import { embeddingInputs } from "./embedding-inputs.ts";
import { fault, faultOfFile, InvalidBatch, type LineFault } from "./invalid-batch.ts";
import { requireServed } from "./spec-job.ts";
import type { ReadBatchLine } from "./spec-line.ts";
import { isBlank, type RawLine } from "./split-lines.ts";

/** Reads the envelope of a line (contracts). */
export type LineReader = (
  bytes: Buffer,
  endpoint: string,
) => { readonly ok: true; readonly line: ReadBatchLine } | { readonly ok: false; readonly error: LineFault };

export interface CheckLinesPorts {
  readonly config: () => EngineConfig;
  readonly readLine: LineReader;
}

/** Checks the lines of one file, one after the other. */
export interface LineChecks {
  /**
   * The line if it is valid; `undefined` when it is blank, at fault, or behind a fault: nothing of the file will run then.
   * Throws {@link InvalidBatch} when it makes no sense to read on.
   */
  take(raw: RawLine): (ReadBatchLine & { readonly number: number }) | undefined;
  /** Throws {@link InvalidBatch} when any line was at fault, or there was none. */
  end(): void;
}

/** Begins with the first line. */
export function checkLines({ config, readLine }: CheckLinesPorts, batch: Batch): LineChecks {
  const { limits } = config();
  const customIds = createCustomIds();
  const errors: BatchLineError[] = [];
  let [total, inputs] = [0, 0];

  function checkSums(line: ReadBatchLine | undefined): void {
    if (total > limits.batchLines) throw new InvalidBatch([tooMany("lines", limits.batchLines)], total);
    if (line === undefined || batch.endpoint !== "/v1/embeddings") return;
    inputs += embeddingInputs(line.parsedBody);
    const most = limits.batchEmbeddingInputs;
    if (inputs > most) throw new InvalidBatch([tooMany("inputs", most)], total);
  }

  function readOne(raw: RawLine): ReadBatchLine | LineFault {
    const most = limits.jobBodyBytes;
    if (raw.tooLong) return fault("payload_too_large", `This line is longer than ${most} bytes.`, undefined);
    const read = readLine(raw.bytes, batch.endpoint);
    if (!read.ok) return read.error;
    if (read.line.body.length > most)
      return fault("payload_too_large", `'body' may be at most ${most} bytes.`, "body");
    const first = customIds.add(read.line.customId, raw.number);
    if (first === undefined) return servable(config(), batch, read.line);
    return fault("duplicate_custom_id", `This custom_id stands in line ${first} already.`, "custom_id");
  }

  return {
    take(raw) {
      if (!raw.tooLong && isBlank(raw.bytes)) return undefined;
      total += 1;
      const read = readOne(raw);
      if ("code" in read) errors.push({ ...read, line: raw.number });
      if (errors.length >= maxBatchErrors) throw new InvalidBatch(errors, total);
      const line = "code" in read ? undefined : read;
      checkSums(line);
      return line === undefined || errors.length > 0 ? undefined : { ...line, number: raw.number };
    },
    end() {
      if (total === 0) errors.push(faultOfFile("empty_file", "The file has no lines."));
      if (errors.length > 0) throw new InvalidBatch(errors, total);
    },
  };
}

/** The line, or why nothing of the configuration can serve it. */
export function servable<Line extends { readonly model: string }>(
  config: EngineConfig,
  batch: Batch,
  line: Line,
): Line | LineFault {
  try {
    requireServed(config, { ...line, endpoint: batch.endpoint });
    return line;
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    return fault(error.code, error.message, error.param);
  }
}

function tooMany(what: "lines" | "inputs", most: number): BatchLineError {
  return faultOfFile(`too_many_${what}`, `A batch may have at most ${most} ${what}.`);
}
