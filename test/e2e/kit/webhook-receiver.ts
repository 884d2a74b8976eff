import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

/** One webhook as it arrived. */
export interface ReceivedWebhook {
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** A receiver of webhooks on this machine. */
export interface WebhookReceiver {
  readonly url: string;
  readonly received: readonly ReceivedWebhook[];
  close(): void;
}

/** Decides what one webhook is answered with: a status, or `never` for no answer at all. */
export type AnswerWebhook = (webhook: ReceivedWebhook, index: number) => number | "never" | Promise<number>;

/** Starts a receiver that answers with these statuses in turn and with 204 after the last of them, or as it is told. */
export async function startWebhookReceiver(
  answers: readonly number[] | AnswerWebhook = [],
): Promise<WebhookReceiver> {
  const received: ReceivedWebhook[] = [];
  const answer: AnswerWebhook =
    typeof answers === "function" ? answers : (_webhook, index) => answers[index] ?? 204;
  const server = createServer((request, response) => {
    void buffer(request).then(async (body) => {
      const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value)] as const);
      const webhook = { headers: Object.fromEntries(headers), body: body.toString() };
      const status = await answer(webhook, received.push(webhook) - 1);
      if (status !== "never") response.writeHead(status).end(`answer ${status}`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hooks`,
    received,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
