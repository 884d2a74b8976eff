import { setTimeout as delay } from "node:timers/promises";

/** A message of a server-sent stream. */
export interface StreamedEvent {
  readonly id: string;
  readonly event: string;
  readonly data: { readonly status: string; readonly job_id: string; readonly at: string };
}

/** The messages and comments of one connection, until it ends or breaks. */
async function* readStream(
  url: string,
  headers: Record<string, string>,
): AsyncGenerator<StreamedEvent | "comment"> {
  const answer = await fetch(url, { headers });
  if (answer.status !== 200) throw new Error(`the stream was answered ${answer.status}`);
  let text = "";
  for await (const bytes of answer.body ?? []) {
    text += Buffer.from(bytes).toString("utf8");
    const parts = text.split("\n\n");
    text = parts.pop() ?? "";
    for (const part of parts) {
      if (part.startsWith(":")) yield "comment";
      else if (part.startsWith("id:")) yield parse(part);
    }
  }
}

function parse(part: string): StreamedEvent {
  const fields = Object.fromEntries(
    part.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]),
  );
  return { id: fields.id ?? "", event: fields.event ?? "", data: JSON.parse(fields.data ?? "") };
}

/**
 * Follows a job as an EventSource does: when the connection breaks it comes back with the id of the last event.
 * `onEvent` sees each as it comes. Throws when there is no end after two minutes.
 */
export async function followJob(
  { url, key }: { url: string; key: string },
  id: string,
  onEvent: (event: StreamedEvent) => Promise<void> = async () => undefined,
): Promise<{ events: StreamedEvent[]; connections: number }> {
  const events: StreamedEvent[] = [];
  const giveUpAt = performance.now() + 120_000;
  for (let connections = 1; performance.now() < giveUpAt; connections += 1) {
    const last = events.at(-1);
    const headers = { authorization: `Bearer ${key}`, ...(last && { "last-event-id": last.id }) };
    try {
      for await (const event of readStream(`${url}/v1/jobs/${id}/events`, headers)) {
        if (event === "comment") continue;
        events.push(event);
        await onEvent(event);
      }
    } catch {
      await delay(100);
    }
    if (/^(succeeded|failed|dead|cancelled|expired)$/.test(events.at(-1)?.data.status ?? ""))
      return { events, connections };
  }
  throw new Error(`the stream of ${id} did not end`);
}
