// A receiver of webhooks: verifies, handles each event once, and fetches the result of the job it is about.
//
//   SLUICE_URL=… SLUICE_API_KEY=… WEBHOOK_SECRET=whsec_… node receiver.ts

import { createServer, type IncomingMessage, type Server } from "node:http";
import { buffer } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { type EndedJob, hasEnded, Sluice, verifyWebhook, WebhookVerificationError } from "@sluice/client";

/** What a receiver needs. */
export interface ReceiverOptions {
  readonly sluice: Sluice;
  /** The tenant's (`GET /v1/webhook_secret`) for a `webhook_url`, or the endpoint's; several while they rotate. */
  readonly secret: string | readonly string[];
  /** Gets each job that has ended, once. When it throws, the webhook comes again later. */
  readonly onJob: (job: EndedJob) => Promise<void> | void;
}

/** Makes the server; it does not listen yet. */
export function createReceiver(options: ReceiverOptions): Server {
  // Webhooks come at least once. Over restarts and several processes, this has to be a unique key in your database,
  // inserted in the transaction that does the work.
  const seen = new Set<string>();
  return createServer((request, response) => {
    receive(options, seen, request).then(
      (status) => response.writeHead(status).end(),
      (error: unknown) => {
        console.error("a webhook was not handled and will come again:", error);
        response.writeHead(500).end();
      },
    );
  });
}

/** Handles one webhook and answers its status. Everything but 2xx makes it come again. */
async function receive(
  { sluice, secret, onJob }: ReceiverOptions,
  seen: Set<string>,
  request: IncomingMessage,
): Promise<number> {
  // The signature covers the bytes that came, so no parser may touch them before.
  const rawBody = await buffer(request);
  const event = eventOf(rawBody, request, secret);
  if (event === "forged") return 400;
  if (seen.has(event.id)) return 204;
  seen.add(event.id);
  try {
    if (event.type.startsWith("job.")) {
      const job = await sluice.jobs.get(event.data.id);
      if (hasEnded(job)) await onJob(job);
    }
    // Other types may come one day: take them, so that they do not come again.
    return 204;
  } catch (error) {
    seen.delete(event.id);
    throw error;
  }
}

function eventOf(rawBody: Buffer, { headers }: IncomingMessage, secret: ReceiverOptions["secret"]) {
  try {
    return verifyWebhook(rawBody, headers, secret);
  } catch (error) {
    if (error instanceof WebhookVerificationError) return "forged";
    throw error;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const receiver = createReceiver({
    sluice: new Sluice(),
    secret: process.env["WEBHOOK_SECRET"] ?? "",
    onJob: (job) => console.log(job.id, job.status, JSON.stringify(job.result?.body)),
  });
  receiver.listen(3000, () => console.log("listening on port 3000"));
}
