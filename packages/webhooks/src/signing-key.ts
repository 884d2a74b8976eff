import { randomBytes } from "node:crypto";

const prefix = "whsec_";
const secretBytes = 32;

/** Makes a signing secret: `whsec_` and the base64 of 32 random bytes (Standard Webhooks 1.0 asks for 24 to 64). */
export function newSecret(): string {
  return prefix + randomBytes(secretBytes).toString("base64");
}

/**
 * The HMAC key a secret stands for: decoded base64 after `whsec_`, otherwise the UTF-8 bytes as they are,
 * which is how the verifying libraries read it. Throws when the key would be empty.
 */
export function signingKey(secret: string): Buffer {
  const key = secret.startsWith(prefix)
    ? Buffer.from(secret.slice(prefix.length), "base64")
    : Buffer.from(secret, "utf8");
  if (key.length === 0) throw new Error("a webhook secret must not be empty");
  return key;
}
