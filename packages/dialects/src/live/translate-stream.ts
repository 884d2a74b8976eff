import type { AnswerDefaults } from "../answers/neutral-answer.ts";
import type { Dialect } from "../dialect.ts";
import type { Fields } from "../fields.ts";
import type { StreamEvent } from "../streams/stream-event.ts";
import type { Delta, DeltaReader } from "./delta.ts";
import { createDeltaWriter, type DialectHooks } from "./delta-writer.ts";
import { createChatReader } from "./read-chat-deltas.ts";
import { createMessagesReader } from "./read-messages-deltas.ts";
import { createResponsesReader } from "./read-responses-deltas.ts";
import { chatHooks } from "./write-chat-deltas.ts";
import { messagesHooks } from "./write-messages-deltas.ts";
import { responsesHooks } from "./write-responses-deltas.ts";

export interface StreamToTranslate {
  /** What the target speaks. */
  readonly from: Dialect;
  /** What the client speaks. */
  readonly to: Dialect;
  /** The client's own request: responses repeat parts of it. */
  readonly request: Fields;
  readonly defaults: AnswerDefaults;
}

/** What an event of the upstream is for the client. */
export type TranslatedEvents =
  /** None, one or several events; of an upstream's failure the client's dialect's error event. */
  | {
      readonly kind: "events";
      readonly events: readonly StreamEvent[];
      /** Whether the answer is complete with them. */
      readonly isLast: boolean;
    }
  /** It cannot be said in the client's dialect; the reason holds nothing of its content. */
  | { readonly kind: "broken"; readonly reason: string };

/** Says one stream in another dialect while it comes. */
export interface StreamTranslator {
  /** Takes the parsed data of the upstream's next event. */
  add(data: Fields): TranslatedEvents;
  /** The upstream's stream has ended, by `[DONE]` or by its last byte. */
  end(): TranslatedEvents;
}

/** Makes a translator for one stream between two different dialects; leaves out what {@link translateAnswer} does. */
export function createStreamTranslator({ from, to, request, defaults }: StreamToTranslate): StreamTranslator {
  const reader = readers[from](defaults);
  const write = createDeltaWriter(hooksOf(to, request));
  const said = (deltas: readonly Delta[]): TranslatedEvents => {
    const events: StreamEvent[] = [];
    for (const delta of deltas) {
      const written = write(delta);
      if (typeof written === "string") return { kind: "broken", reason: written };
      events.push(...written);
    }
    return { kind: "events", events, isLast: deltas.some(({ kind }) => kind === "end") };
  };
  return { add: (data) => said(reader.add(data)), end: () => said(reader.end()) };
}

const readers: Readonly<Record<Dialect, (defaults: AnswerDefaults) => DeltaReader>> = {
  chat: createChatReader,
  responses: createResponsesReader,
  messages: createMessagesReader,
};

function hooksOf(dialect: Dialect, request: Fields): DialectHooks {
  switch (dialect) {
    case "chat":
      return chatHooks();
    case "responses":
      return responsesHooks(request);
    case "messages":
      return messagesHooks();
  }
}
