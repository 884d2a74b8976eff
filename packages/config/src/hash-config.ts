import { createHash } from "node:crypto";
import type { Config } from "./config-types.ts";

const secretKeys: ReadonlySet<string> = new Set(["apiKey"]);

/** SHA-256 (hex) of the effective configuration as canonical JSON, without credentials. */
export function hashConfig(config: Omit<Config, "hash">): string {
  return createHash("sha256").update(canonicalJson(config)).digest("hex");
}

/** JSON with sorted keys; two equal configurations give the same text whatever the order in their files. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (key, field: unknown) => {
    if (secretKeys.has(key)) return undefined;
    const isRecord = typeof field === "object" && field !== null && !Array.isArray(field);
    return isRecord ? Object.fromEntries(Object.entries(field).sort(([a], [b]) => (a < b ? -1 : 1))) : field;
  });
}
