import { describe, expect, it } from "vitest";
import { signWebhook, webhookHeaders } from "./sign-webhook.ts";
import { newSecret } from "./signing-key.ts";
import { vectors } from "./testing/vectors.ts";
import { verifyWebhook } from "./verify-webhook.ts";

const content = { id: "evt_1", timestampSeconds: 1_700_000_000, body: '{"a":"é"}' };

describe("signing", () => {
  it.each(vectors)(
    "signs the published vector $id as its source does",
    ({ secret, id, timestamp, payload, signature }) => {
      expect(signWebhook({ secrets: [secret], id, timestampSeconds: timestamp, body: payload })).toBe(
        signature,
      );
    },
  );

  it("signs bytes and the text they spell alike", () => {
    const secrets = [newSecret()];
    expect(signWebhook({ ...content, secrets, body: Buffer.from(content.body) })).toBe(
      signWebhook({ ...content, secrets }),
    );
  });

  it("makes secrets of 32 random bytes", () => {
    const secret = newSecret();
    expect(Buffer.from(secret.replace(/^whsec_/, ""), "base64")).toHaveLength(32);
    expect(newSecret()).not.toBe(secret);
  });

  it("refuses an id with a dot, because another id and timestamp would sign the same bytes", () => {
    expect(() => signWebhook({ ...content, secrets: [newSecret()], id: "evt.1" })).toThrow(/dots/);
  });

  it("refuses to sign without a key", () => {
    expect(() => signWebhook({ ...content, secrets: [] })).toThrow(/at least one/);
    expect(() => signWebhook({ ...content, secrets: ["whsec_"] })).toThrow(/empty/);
  });
});

describe("verifying", () => {
  const [secret, other] = [newSecret(), newSecret()];
  const nowSeconds = content.timestampSeconds;
  const headers = webhookHeaders({ ...content, secrets: [secret] });
  const input = { headers, body: content.body, secret, nowSeconds };

  it("accepts what was signed, with header names in any case", () => {
    const shouting = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value]),
    );
    expect(verifyWebhook(input)).toEqual({ ok: true });
    expect(verifyWebhook({ ...input, headers: shouting })).toEqual({ ok: true });
  });

  it("accepts either secret while a rotation overlaps", () => {
    const rotating = webhookHeaders({ ...content, secrets: [other, secret] });
    expect(verifyWebhook({ ...input, headers: rotating })).toEqual({ ok: true });
    expect(verifyWebhook({ ...input, headers: rotating, secret: other })).toEqual({ ok: true });
  });

  it("takes a secret without prefix as raw UTF-8", () => {
    const raw = "pässword-of-the-tenant";
    const signed = webhookHeaders({ ...content, secrets: [raw] });
    expect(verifyWebhook({ ...input, headers: signed, secret: raw })).toEqual({ ok: true });
    expect(verifyWebhook({ ...input, headers: signed, secret: `whsec_${raw}` })).toEqual({
      ok: false,
      reason: "no-match",
    });
  });

  it.each([
    ["a changed body", { body: '{"a":"e"}' }, "no-match"],
    ["another secret", { secret: other }, "no-match"],
    ["another id", { headers: { ...headers, "webhook-id": "evt_2" } }, "no-match"],
    ["another scheme", { headers: { ...headers, "webhook-signature": "v2,AAAA" } }, "no-match"],
    ["a missing signature", { headers: { ...headers, "webhook-signature": undefined } }, "missing-header"],
    [
      "a timestamp that is no number",
      { headers: { ...headers, "webhook-timestamp": "17e8" } },
      "bad-timestamp",
    ],
    ["a webhook 301 s old", { nowSeconds: nowSeconds + 301 }, "outside-tolerance"],
    ["a webhook 301 s ahead", { nowSeconds: nowSeconds - 301 }, "outside-tolerance"],
  ])("refuses %s", (_, change, reason) => {
    expect(verifyWebhook({ ...input, ...change })).toEqual({ ok: false, reason });
  });

  it("accepts a webhook just inside the tolerance", () => {
    expect(verifyWebhook({ ...input, nowSeconds: nowSeconds + 300 })).toEqual({ ok: true });
  });
});
