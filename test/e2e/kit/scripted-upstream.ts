import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

/** One call as its bytes came. */
export interface RecordedCall {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** An upstream that answers every call with the same bytes, and records what it got. */
export interface ScriptedUpstream {
  /** Base URL of its API, with `/v1`. */
  readonly url: string;
  readonly calls: readonly RecordedCall[];
  close(): void;
}

/** Starts an upstream whose answer is this JSON text. */
export async function startScriptedUpstream(answer: string): Promise<ScriptedUpstream> {
  const calls: RecordedCall[] = [];
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      calls.push({ path: request.url ?? "", headers: request.headers, body });
      response.writeHead(200, { "content-type": "application/json" }).end(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    calls,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
