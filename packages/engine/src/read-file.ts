import { Readable } from "node:stream";
import type { BatchLedger, BatchView, ByteRange, EndedLine, FileRecord, FileStore } from "@sluice/domain";
import { cutTo, openStored } from "./open-content.ts";
import { bytesOf } from "./payloads.ts";

export interface ReadFilePorts {
  readonly ledger: Pick<BatchLedger, "readLines">;
  readonly files: FileStore;
  /** A finished line with its newline (contracts). */
  readonly renderLine: (line: EndedLine, body: Buffer | undefined) => Buffer;
}

const linesPerPage = 200;

/**
 * A stream of a file's bytes or of a range of them: from the store, or, for a batch's output and error files, rendered
 * from the ledger; there a range costs the lines before it.
 */
export async function readFile(
  ports: ReadFilePorts,
  { content }: FileRecord,
  range?: ByteRange,
): Promise<Readable> {
  switch (content.kind) {
    case "stored":
    case "pieces":
      return openStored(ports.files, content, range);
    case "view":
      return Readable.from(cutTo(renderView(ports, content), range ?? { start: 0 }), { objectMode: false });
  }
}

/** The finished lines of one side of a batch, rendered in order of line. */
export async function* renderView(
  ports: ReadFilePorts,
  view: Pick<BatchView, "batchId" | "side">,
): AsyncGenerator<Buffer> {
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
