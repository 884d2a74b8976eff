import { verifyWebhook } from "@sluice/client";
import { newSecret, webhookHeaders } from "@sluice/webhooks";
import OpenAI from "openai";
import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";

// Both libraries read the machine's clock, so these webhooks are signed now.
function setup() {
  const secret = newSecret();
  const event = {
    id: "evt_1",
    object: "event",
    created_at: 1,
    type: "batch.completed",
    data: { id: "batch_é" },
  };
  const body = JSON.stringify(event);
  const timestampSeconds = Math.floor(Date.now() / 1000);
  return { secret, event, body, id: event.id, timestampSeconds };
}

describe("webhooks that Sluice signs", () => {
  it("are accepted by the standardwebhooks library, under the old and the new secret of a rotation", () => {
    const { secret, event, ...content } = setup();
    const headers = webhookHeaders({ ...content, secrets: [newSecret(), secret] });
    expect(new Webhook(secret).verify(content.body, headers)).toEqual(event);
    expect(() => new Webhook(newSecret()).verify(content.body, headers)).toThrow(/signature/);
    expect(() => new Webhook(secret).verify(`${content.body} `, headers)).toThrow(/signature/);
  });

  it("are unwrapped by the openai library", async () => {
    const { secret, event, ...content } = setup();
    const headers = webhookHeaders({ ...content, secrets: [secret] });
    const client = new OpenAI({ apiKey: "unused", webhookSecret: secret });
    expect(await client.webhooks.unwrap(content.body, headers)).toEqual(event);
    await expect(client.webhooks.unwrap(content.body, headers, newSecret())).rejects.toThrow(/signature/);
  });
});

describe("webhooks that the standardwebhooks library signs", () => {
  it("are accepted by the client of Sluice", () => {
    const { secret, event, body, id, timestampSeconds } = setup();
    const headers = {
      "webhook-id": id,
      "webhook-timestamp": String(timestampSeconds),
      "webhook-signature": new Webhook(secret).sign(id, new Date(timestampSeconds * 1000), body),
    };
    expect(verifyWebhook(body, headers, secret)).toEqual(event);
  });
});
