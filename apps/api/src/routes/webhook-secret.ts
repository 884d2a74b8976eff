import { parseWith, rotateWebhookSecretSchema } from "@sluice/contracts";
import { SluiceError } from "@sluice/domain";
import { parseDuration } from "@sluice/scheduling";
import { newSecret } from "@sluice/webhooks";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ApiPorts } from "../api-ports.ts";
import { callerOf } from "../authenticate.ts";
import { jsonBody } from "../json-body.ts";
import { describe } from "./describe.ts";

const longestOverlapMs = 30 * 24 * 3_600_000;

/** What a tenant needs to check webhooks to the `webhook_url` of its jobs and batches. */
export function webhookSecretRoutes(server: FastifyInstance, ports: ApiPorts): void {
  server.get(
    "/v1/webhook_secret",
    describe("Webhooks", "The secret that signs webhooks to the URLs of this tenant's jobs and batches"),
    async (request) => {
      const { tenantId } = callerOf(request);
      const [secret] = await ports.ledger.webhookSecrets(tenantId, newSecret, ports.clock.now());
      return { object: "webhook_secret", secret };
    },
  );
  server.post(
    "/v1/webhook_secret/rotate",
    describe("Webhooks", "Make a new secret; the old one signs too for a while", {
      body: rotateWebhookSecretSchema,
    }),
    (request) => rotate(ports, request),
  );
}

async function rotate(ports: ApiPorts, request: FastifyRequest): Promise<unknown> {
  const body = request.body === undefined || request.body === null ? {} : jsonBody(request).value;
  const { overlap } = parseWith(rotateWebhookSecretSchema, body);
  const overlapMs = parseDuration(overlap);
  if (overlapMs === undefined || overlapMs > longestOverlapMs) {
    const message = "'overlap' must be a duration of at most 30d, such as 24h.";
    throw new SluiceError("invalid_value", message, { param: "overlap" });
  }
  const now = ports.clock.now();
  const secret = newSecret();
  const rotation = { secret, now, oldUntil: now + overlapMs };
  if (!(await ports.ledger.rotateWebhookSecret(callerOf(request).tenantId, rotation))) throw tooManySecrets();
  return {
    object: "webhook_secret",
    secret,
    old_secret_expires_at: new Date(rotation.oldUntil).toISOString(),
  };
}

/** Thrown when a rotation would leave too many secrets that sign. */
export function tooManySecrets(): SluiceError {
  return new SluiceError(
    "too_many_webhook_secrets",
    "Too many earlier secrets still sign: wait until one has ended, or end them with this rotation.",
  );
}
