import { describe, expect, it } from "vitest";
import { signWebhook } from "./sign-webhook.ts";
import { newSecret } from "./signing-key.ts";
import { vectors } from "./testing/vectors.ts";

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
