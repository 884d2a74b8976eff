import type { Clock } from "@sluice/domain";
import type { FastifyReply } from "fastify";
import { headersOf } from "../hijacked.ts";

/** Proxies cut connections that are silent for a minute. */
const heartbeatMs = 15_000;

/** An answer of server-sent events. */
export interface EventStream {
  readonly isOpen: boolean;
  /** Sends the head of the answer and the lead; from here on an error can only be told as an event. */
  open(): void;
  /** Sends events, the head before them; resolves when the client has room for more, or is gone. */
  write(text: string | Uint8Array): Promise<void>;
  end(): void;
  /** Breaks the connection: the client is to see that this is not the end. */
  cut(): void;
}

/** Makes an answer of events, `lead` before all others, of a reply that nothing else answers once it is open. */
export function createEventStream(clock: Clock, reply: FastifyReply, lead: string): EventStream {
  const { raw } = reply;
  let isOpen = false;
  let cancelBeat = (): void => {};

  function beat(): void {
    // A client that does not read gets no more of them.
    if (!raw.writableNeedDrain) raw.write(": keep-alive\n\n");
    cancelBeat = clock.setTimer(heartbeatMs, beat);
  }

  function open(): void {
    if (isOpen) return;
    isOpen = true;
    reply.hijack();
    const head = {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    };
    raw.writeHead(200, { ...headersOf(reply), ...head });
    if (lead === "") raw.flushHeaders();
    else raw.write(lead);
    cancelBeat = clock.setTimer(heartbeatMs, beat);
    raw.once("close", () => cancelBeat());
  }

  return {
    get isOpen() {
      return isOpen;
    },
    open,
    async write(text) {
      open();
      if (text.length > 0 && !raw.destroyed && !raw.write(text)) await hasRoom(raw);
    },
    end() {
      cancelBeat();
      raw.end();
    },
    cut: () => raw.destroy(),
  };
}

function hasRoom(raw: FastifyReply["raw"]): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      raw.off("drain", done);
      raw.off("close", done);
      resolve();
    };
    raw.once("drain", done);
    raw.once("close", done);
  });
}
