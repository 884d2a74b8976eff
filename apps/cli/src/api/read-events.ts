import type { Readable } from "node:stream";

/** A change of a job's state, as `GET /v1/jobs/{id}/events` streams it. */
export interface JobEventView {
  /** By which the stream is resumed. */
  readonly id: string;
  readonly status: string;
  readonly at: string;
  readonly attempt?: number;
  readonly target?: string;
}

/** The messages of a server-sent stream; comments are left out. */
export async function* readEvents(stream: Readable): AsyncGenerator<JobEventView> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of stream as AsyncIterable<Buffer>) {
    text += decoder.decode(bytes, { stream: true });
    const messages = text.split("\n\n");
    text = messages.pop() ?? "";
    for (const message of messages) {
      const data = /^data: (.*)$/m.exec(message)?.[1];
      const id = /^id: (.*)$/m.exec(message)?.[1] ?? "";
      if (data !== undefined) yield { ...(JSON.parse(data) as Omit<JobEventView, "id">), id };
    }
  }
}
