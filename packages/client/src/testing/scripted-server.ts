import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import { systemRuntime } from "../runtime.ts";
import { Sluice, type SluiceOptions } from "../sluice.ts";

/** One call that came. */
export interface Received {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** Answers one call. */
export type Answer = (response: ServerResponse, received: Received) => void | Promise<void>;

/** Answers with JSON. */
export function json(status: number, body: unknown, headers: Record<string, string> = {}): Answer {
  return (response) => {
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
  };
}

/** Answers with an error of the API. */
export function refusal(status: number, code: string, headers: Record<string, string> = {}): Answer {
  const error = { message: `it is ${code}`, type: "invalid_request_error", param: "body.model", code };
  return json(status, { error }, { "x-request-id": "req_1", ...headers });
}

/** Closes the connection without an answer. */
export const reset: Answer = (response) => {
  response.socket?.destroy();
};

/** A client and the server it calls, which gives these answers in turn, and the last one for ever. */
export async function setup(answers: readonly Answer[], options: SluiceOptions = {}) {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    void text(request)
      .then<void>((body) => {
        const { method = "", url: path = "", headers } = request;
        const answer = answers[Math.min(received.length, answers.length - 1)];
        const one = { method, path, headers, body };
        received.push(one);
        return answer?.(response, one);
      })
      .catch(() => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { received, ...client({ baseUrl, ...options }) };
}

/**
 * A client that does not sleep, and notes how long it would have; `pass` lets time pass, and
 * `expire` ends all time limits. Its dice always show 0.
 */
export function client(options: SluiceOptions) {
  const sleptMs: number[] = [];
  let nowMs = Date.now();
  const pass = (ms: number): void => {
    nowMs += ms;
  };
  const timers = new Set<() => void>();
  const expire = (): void => {
    for (const callback of timers) callback();
  };
  const runtime = {
    ...systemRuntime(options.fetch),
    now: () => nowMs,
    random: () => 0,
    async sleep(delayMs: number, signal?: AbortSignal) {
      signal?.throwIfAborted();
      sleptMs.push(delayMs);
      pass(delayMs);
    },
    setTimer(_delayMs: number, callback: () => void) {
      timers.add(callback);
      return () => timers.delete(callback);
    },
  };
  const sluice = new Sluice({ apiKey: "sk-test", ...options }, runtime);
  return { sluice, sleptMs, pass, expire };
}
