import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** How a call is answered: at once, with an error, or when the test opens the gate. */
export type Mood = { readonly status: number; readonly headers?: Readonly<Record<string, string>> } | "hold";

/** An upstream whose mood a test decides by what a prompt says. */
export interface MoodyUpstream {
  /** Base URL of its API, with `/v1`. */
  readonly url: string;
  /** How many calls had this word in their body. */
  callsWith(word: string): number;
  /** Answers the calls that are held, and every later one that would be. */
  release(): void;
  close(): void;
}

const answer = JSON.stringify({
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  model: "moody",
  choices: [{ index: 0, message: { role: "assistant", content: "Yes." }, finish_reason: "stop" }],
  usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 },
});

/** Starts an upstream; `moodOf` sees each request's body, and how often this very body came before. */
export async function startMoodyUpstream(
  moodOf: (body: string, before: number) => Mood,
): Promise<MoodyUpstream> {
  const bodies: string[] = [];
  const { promise: gate, resolve: release } = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    void text(request).then(async (body) => {
      const mood = moodOf(body, bodies.filter((one) => one === body).length);
      bodies.push(body);
      if (mood === "hold") await gate;
      reply(response, mood === "hold" ? { status: 200 } : mood);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    callsWith: (word) => bodies.filter((body) => body.includes(word)).length,
    release,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function reply(response: ServerResponse, { status, headers = {} }: Exclude<Mood, "hold">): void {
  const body =
    status === 200 ? answer : JSON.stringify({ error: { message: "not now", type: "server_error" } });
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(body);
}
