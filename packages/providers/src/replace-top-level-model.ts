import { findTopLevelSpans } from "@sluice/contracts";

/**
 * The body with the value of its top-level `model` replaced, each one if it stands more than once, and every other
 * byte as the client sent it. The body must be valid JSON; without a `model` it is returned as it is.
 */
export function replaceTopLevelModel(body: Buffer, model: string): Buffer {
  const spans = findTopLevelSpans(body, ["model"]).model;
  if (spans.length === 0) return body;
  const replacement = Buffer.from(JSON.stringify(model));
  const parts: Buffer[] = [];
  let copied = 0;
  for (const { start, end } of spans) {
    parts.push(body.subarray(copied, start), replacement);
    copied = end;
  }
  parts.push(body.subarray(copied));
  return Buffer.concat(parts);
}
