import { Readable } from "node:stream";
import type { BatchLedger, BatchView, EndedLine, FileRecord, FileStore } from "@sluice/domain";
import { bytesOf } from "./payloads.ts";

export interface ReadFilePorts {
  readonly ledger: Pick<BatchLedger, "readLines">;
  readonly files: FileStore;
  /** A finished line with its newline (contracts). */
  readonly renderLine: (line: EndedLine, body: Buffer | undefined) => Buffer;
}

const linesPerPage = 200;

/** A stream of a file's bytes: from the store, or, for a batch's output and error files, rendered from the ledger. */
export async function readFile(ports: ReadFilePorts, file: FileRecord): Promise<Readable> {
  if (file.content.kind === "stored") return ports.files.open(file.content.key);
  return Readable.from(renderView(ports, file.content), { objectMode: false });
}

async function* renderView(ports: ReadFilePorts, view: BatchView): AsyncGenerator<Buffer> {
  let after = 0;
  for (;;) {
    const lines = await ports.ledger.readLines(view.batchId, view.side, after, linesPerPage);
    for (const line of lines) {
      const body = line.result === undefined ? undefined : await bytesOf(line.result.body, ports.files);
      yield ports.renderLine(line, body);
    }
    const last = lines.at(-1);
    if (last === undefined || lines.length < linesPerPage) return;
    after = last.line;
  }
}
