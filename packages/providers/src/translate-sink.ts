import {
  createStreamTranslator,
  type Dialect,
  type StreamEvent,
  type TranslatedEvents,
} from "@sluice/dialects";
import type { EventSink, ServerSentEvent, StreamProgress } from "@sluice/domain";
import type { Exchanged } from "./exchanged.ts";
import { parseObject } from "./parse-object.ts";

/** Takes a target's events and gives them on to the call's own sink in the client's dialect. */
export function translateSink(
  sink: EventSink,
  { upstream: from, client: to, request, defaults }: Exchanged,
): { readonly sink: EventSink; readonly isOver: () => boolean } {
  const translator = createStreamTranslator({ from, to, request, defaults });
  let isOver = false;

  function give(translated: TranslatedEvents): StreamProgress {
    if (translated.kind === "broken") return translated;
    const events = [...translated.events.map(asServerSent), ...(translated.isLast ? endOf(to) : [])];
    let began = false;
    for (const event of events) {
      const progress = sink.take(event);
      isOver = progress.kind === "over";
      if (progress.kind !== "more") return progress;
      began ||= progress.began;
    }
    return { kind: "more", began };
  }

  return {
    isOver: () => isOver,
    sink: {
      take({ data }) {
        if (data === "[DONE]") return give(translator.end());
        const fields = parseObject(data);
        if (fields === undefined) return { kind: "broken", reason: "an event is not a JSON object" };
        return give(translator.add(fields));
      },
      end() {
        const progress = give(translator.end());
        if (progress.kind !== "more") return progress;
        const ended = sink.end();
        isOver = ended.kind === "over";
        return ended;
      },
      room: () => sink.room(),
    },
  };
}

/** Chat completions end with a word that is no event. */
function endOf(dialect: Dialect): readonly ServerSentEvent[] {
  return dialect === "chat" ? [{ name: undefined, data: "[DONE]" }] : [];
}

function asServerSent({ event, data }: StreamEvent): ServerSentEvent {
  return { name: event, data: JSON.stringify(data) };
}
