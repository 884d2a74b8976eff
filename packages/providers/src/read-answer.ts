import { createServerSentEventParser } from "@sluice/dialects";
import type { EventSink, StreamProgress } from "@sluice/domain";

/** Takes an answer's bytes as they come. */
export interface AnswerReader {
  take(bytes: Buffer): StreamProgress;
  end(): StreamProgress;
}

const more: StreamProgress = { kind: "more", began: false };

/** Keeps an answer until it is complete. */
export function readWhole(maxBytes: number): AnswerReader {
  const chunks: Buffer[] = [];
  let size = 0;
  return {
    take(bytes) {
      size += bytes.length;
      if (size > maxBytes) return tooLong(maxBytes);
      chunks.push(bytes);
      return more;
    },
    end: () => ({ kind: "over", body: Buffer.concat(chunks, size) }),
  };
}

/** Gives an answer's events to `sink`; of the answer itself it keeps only the event that is not complete yet. */
export function readEvents(sink: EventSink, maxBytes: number): AnswerReader {
  const parser = createServerSentEventParser();
  let size = 0;

  function give(parse: () => ReturnType<typeof parser.push>): StreamProgress {
    let progress = more;
    try {
      for (const event of parse()) {
        progress = after(progress, sink.take(event));
        if (progress.kind !== "more") return progress;
      }
      return progress;
    } catch (error) {
      if (error instanceof TypeError) return { kind: "broken", reason: "it is not UTF-8" };
      throw error;
    }
  }

  return {
    take(bytes) {
      size += bytes.length;
      return size > maxBytes ? tooLong(maxBytes) : give(() => parser.push(bytes));
    },
    end() {
      const progress = give(() => parser.end());
      return progress.kind === "more" ? sink.end() : progress;
    },
  };
}

function after(before: StreamProgress, next: StreamProgress): StreamProgress {
  const began = before.kind === "more" && before.began;
  return next.kind === "more" ? { kind: "more", began: began || next.began } : next;
}

function tooLong(maxBytes: number): StreamProgress {
  return { kind: "broken", reason: `it is longer than ${maxBytes} bytes` };
}
