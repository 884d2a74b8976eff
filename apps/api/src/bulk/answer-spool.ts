import { randomUUID } from "node:crypto";
import { type FileHandle, open, unlink } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";

/** Keeps text for a reader that may come late or never, in little memory. */
export interface AnswerSpool {
  /** Resolves when the text is kept; it never waits for the reader. */
  write(text: string): Promise<void>;
  /** No more will be written. */
  end(): Promise<void>;
  /** All that was written, in order. */
  readonly stream: Readable;
}

const partBytes = 65_536;

/**
 * Makes a spool. What the reader has not taken stays in memory up to `memoryBytes`; the rest goes to a file in `folder`
 * that has no name once it is open, so that nothing is left of it when the process dies. The file is emptied each time
 * the reader has caught up.
 */
export function createAnswerSpool(folder: string, memoryBytes = 1 << 20): AnswerSpool {
  let head: Buffer[] = [];
  let headBytes = 0;
  let file: FileHandle | undefined;
  let written = 0;
  let read = 0;
  let ended = false;
  let wanted = false;
  let turn: Promise<void> = Promise.resolve();

  const stream = new Readable({
    highWaterMark: partBytes,
    read() {
      wanted = true;
      void inTurn(give);
    },
    destroy(error, done) {
      turn = turn.then(async () => {
        await file?.close();
        head = [];
        done(error);
      });
    },
  });

  /** One step after the other; a step that fails (a full disk) ends the stream. */
  function inTurn(step: () => Promise<void>): Promise<void> {
    turn = turn.then(async () => {
      if (stream.destroyed) return;
      await step().catch((error: unknown) => void stream.destroy(error as Error));
    });
    return turn;
  }

  async function keep(bytes: Buffer): Promise<void> {
    // What lies in the file is younger than what is in memory: while there is any, all goes behind it.
    if (read === written && headBytes + bytes.length <= memoryBytes) {
      head.push(bytes);
      headBytes += bytes.length;
      return;
    }
    file ??= await openNameless(folder);
    await file.write(bytes, 0, bytes.length, written);
    written += bytes.length;
  }

  async function give(): Promise<void> {
    if (!wanted) return;
    if (headBytes > 0) return push(takeHead());
    if (read < written) return push(await readPart());
    if (ended) push(null);
  }

  function push(part: Buffer | null): void {
    wanted = false;
    stream.push(part);
  }

  function takeHead(): Buffer {
    const part = Buffer.concat(head);
    head = [];
    headBytes = 0;
    return part;
  }

  async function readPart(): Promise<Buffer> {
    if (file === undefined) throw new Error("the spool has no file");
    const part = Buffer.alloc(Math.min(partBytes, written - read));
    const { bytesRead } = await file.read(part, 0, part.length, read);
    if (bytesRead === 0) throw new Error("the spool's file is shorter than what was written to it");
    read += bytesRead;
    if (read === written) {
      await file.truncate(0);
      read = 0;
      written = 0;
    }
    return part.subarray(0, bytesRead);
  }

  return {
    stream,
    write: (text) => inTurn(() => keep(Buffer.from(text)).then(give)),
    end: () =>
      inTurn(async () => {
        ended = true;
        await give();
      }),
  };
}

async function openNameless(folder: string): Promise<FileHandle> {
  const path = join(folder, `sluice-answers-${randomUUID()}`);
  const file = await open(path, "wx+", 0o600);
  await unlink(path);
  return file;
}
