import { verifyWebhook, WebhookVerificationError } from "@sluice/client";
import { newSecret, webhookHeaders } from "@sluice/webhooks";
import { expect, test } from "vitest";
import { vectors } from "../../packages/webhooks/src/testing/vectors.ts";

const event = { id: "evt_1", object: "event", type: "job.succeeded", created_at: 1, data: { id: "job_ü" } };
const content = { id: "evt_1", timestampSeconds: 1_700_000_000, body: JSON.stringify(event) };
const nowMs = content.timestampSeconds * 1000;
const [secret, other] = [newSecret(), newSecret()];
const headers = webhookHeaders({ ...content, secrets: [secret] });
/** The right bytes, said to be made in another way. */
const otherScheme = headers["webhook-signature"]?.replace("v1,", "v2,");

function reasonOf(verify: () => unknown): string {
  try {
    verify();
  } catch (error) {
    if (error instanceof WebhookVerificationError) return error.reason;
    throw error;
  }
  return "none";
}

test.each(vectors)("accepts the published vector $id", ({ secret, id, timestamp, payload, signature }) => {
  const signed = {
    "webhook-id": id,
    "webhook-timestamp": String(timestamp),
    "webhook-signature": signature,
  };
  const verify = () => verifyWebhook(payload, signed, secret, { nowMs: timestamp * 1000 });
  // One of the two vectors is signed rightly, and is no event.
  if (payload.includes('"type"')) expect(verify()).toEqual(JSON.parse(payload));
  else expect(reasonOf(verify)).toBe("not-an-event");
});

test("accepts what Sluice signs, as text and as bytes, with headers of every kind", () => {
  const shouting = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toUpperCase(), [value]]),
  );
  for (const kind of [headers, shouting, new Headers(headers)])
    expect(verifyWebhook(content.body, kind, secret, { nowMs })).toEqual(event);
  expect(verifyWebhook(Buffer.from(content.body), headers, secret, { nowMs })).toEqual(event);
});

test("accepts either secret on both sides of a rotation", () => {
  const rotating = webhookHeaders({ ...content, secrets: [other, secret] });
  for (const known of [secret, other, [other], [newSecret(), secret]])
    expect(verifyWebhook(content.body, rotating, known, { nowMs })).toEqual(event);
  expect(verifyWebhook(content.body, headers, [other, secret], { nowMs })).toEqual(event);
});

test("takes a secret without prefix as raw UTF-8, and refuses an empty one", () => {
  const raw = "pässword-of-the-tenant";
  const signed = webhookHeaders({ ...content, secrets: [raw] });
  expect(verifyWebhook(content.body, signed, raw, { nowMs })).toEqual(event);
  expect(reasonOf(() => verifyWebhook(content.body, signed, `whsec_${raw}`, { nowMs }))).toBe("no-match");
  // The last is what an unset variable of the environment gives to JavaScript.
  for (const empty of ["", "whsec_", [""], undefined as unknown as string])
    expect(() => verifyWebhook(content.body, signed, empty, { nowMs })).toThrow(/empty/);
});

test("says what is wrong when it gets a parsed body", () => {
  const verify = () => verifyWebhook(event as unknown as string, headers, secret, { nowMs });
  expect(verify).toThrow(/the bytes that came/);
  expect(verify).not.toThrow(WebhookVerificationError);
});

test.each([
  ["a changed body", { body: content.body.replace("ü", "u") }, "no-match"],
  ["another secret", { secret: other }, "no-match"],
  ["no secret at all", { secret: [] }, "no-match"],
  ["another id", { headers: { ...headers, "webhook-id": "evt_2" } }, "no-match"],
  ["another scheme", { headers: { ...headers, "webhook-signature": otherScheme } }, "no-match"],
  ["an empty signature", { headers: { ...headers, "webhook-signature": "v1," } }, "no-match"],
  ["a missing signature", { headers: { ...headers, "webhook-signature": undefined } }, "missing-header"],
  [
    "a timestamp that is no number",
    { headers: { ...headers, "webhook-timestamp": "17e8" } },
    "bad-timestamp",
  ],
  ["a webhook 301 s old", { nowMs: nowMs + 301_000 }, "outside-tolerance"],
  ["a webhook 301 s ahead", { nowMs: nowMs - 301_000 }, "outside-tolerance"],
  ["a tolerance that is no number", { toleranceSeconds: Number.NaN }, "outside-tolerance"],
])("refuses %s", (_, change, reason) => {
  const given = { body: content.body, headers, secret, nowMs, toleranceSeconds: 300, ...change };
  expect(reasonOf(() => verifyWebhook(given.body, given.headers, given.secret, given))).toBe(reason);
});

test("accepts a webhook just inside the tolerance, also one of the caller's", () => {
  expect(verifyWebhook(content.body, headers, secret, { nowMs: nowMs + 300_000 })).toEqual(event);
  const late = { nowMs: nowMs + 900_000, toleranceSeconds: 900 };
  expect(verifyWebhook(content.body, headers, secret, late)).toEqual(event);
});
