import type { Column, ColumnType } from "./columns.ts";

/** Signature, no flags, no extension (PostgreSQL manual, COPY, "Binary Format"). */
export const copyHeader = Buffer.from("PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0", "latin1");
export const copyTrailer = Buffer.from([0xff, 0xff]);

const postgresEpochMs = Date.UTC(2000, 0, 1);

/** A buffer that grows; `at` is where the next byte goes. */
interface Sink {
  buffer: Buffer;
  at: number;
}

function reserve(sink: Sink, bytes: number): void {
  if (sink.at + bytes <= sink.buffer.length) return;
  const grown = Buffer.allocUnsafe(Math.max(sink.buffer.length * 2, sink.at + bytes));
  sink.buffer.copy(grown, 0, 0, sink.at);
  sink.buffer = grown;
}

function writeLength(sink: Sink, length: number): void {
  sink.at = sink.buffer.writeInt32BE(length, sink.at);
}

function writeText(sink: Sink, text: string, prefix = ""): void {
  // At most 3 bytes of UTF-8 for each UTF-16 unit.
  reserve(sink, 4 + 3 * (text.length + prefix.length));
  const length = sink.buffer.write(prefix + text, sink.at + 4);
  writeLength(sink, length);
  sink.at += length;
}

function writeMoment(sink: Sink, epochMs: number): void {
  const microseconds = Math.round(epochMs - postgresEpochMs) * 1000;
  writeLength(sink, 8);
  sink.at = sink.buffer.writeInt32BE(Math.floor(microseconds / 2 ** 32), sink.at);
  sink.at = sink.buffer.writeUInt32BE(microseconds >>> 0, sink.at);
}

function writeBytes(sink: Sink, bytes: Buffer): void {
  reserve(sink, 4 + bytes.length);
  writeLength(sink, bytes.length);
  sink.at += bytes.copy(sink.buffer, sink.at);
}

const writers: Partial<Record<ColumnType, (sink: Sink, value: never) => void>> = {
  uuid(sink, value: string) {
    writeLength(sink, 16);
    sink.at += sink.buffer.write(value.replaceAll("-", ""), sink.at, "hex");
  },
  bool(sink, value: boolean) {
    writeLength(sink, 1);
    sink.at = sink.buffer.writeUInt8(value ? 1 : 0, sink.at);
  },
  text: (sink, value: string) => writeText(sink, value),
  // Binary jsonb is its version, 1, and then the text.
  jsonb: (sink, value: unknown) => writeText(sink, JSON.stringify(value), "\x01"),
  int2(sink, value: number) {
    writeLength(sink, 2);
    sink.at = sink.buffer.writeInt16BE(value, sink.at);
  },
  int4(sink, value: number) {
    writeLength(sink, 4);
    sink.at = sink.buffer.writeInt32BE(value, sink.at);
  },
  timestamptz: writeMoment,
  bytea: writeBytes,
};

/** Encodes rows for `COPY … FROM STDIN (FORMAT binary)`, without header and trailer. */
export function encodeCopyRows<Item>(columns: readonly Column<Item>[], items: readonly Item[]): Buffer {
  const sink: Sink = { buffer: Buffer.allocUnsafe(1 << 16), at: 0 };
  for (const item of items) {
    reserve(sink, 2);
    sink.at = sink.buffer.writeInt16BE(columns.length, sink.at);
    for (const { name, type, value } of columns) {
      const field = value(item);
      reserve(sink, 20);
      if (field === undefined) {
        writeLength(sink, -1);
        continue;
      }
      const write = writers[type];
      if (write === undefined) throw new Error(`column ${name}: no binary form for ${type}`);
      write(sink, field as never);
    }
  }
  return sink.buffer.subarray(0, sink.at);
}
