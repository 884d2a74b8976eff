import { z } from "zod";
import { optionalText } from "./requests.ts";

/** Query of `GET /v1/models` as Anthropic's clients send it. */
export const modelPageSchema = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(20),
  after_id: optionalText(128).optional(),
  before_id: optionalText(128).optional(),
});

/** An alias in OpenAI's shape. It has no age: `created` is the epoch. */
export function renderModel(id: string): Record<string, unknown> {
  return { id, object: "model", created: 0, owned_by: "sluice" };
}

/** All aliases in OpenAI's shape. */
export function renderModels(ids: readonly string[]): Record<string, unknown> {
  return { object: "list", data: ids.map(renderModel) };
}

/** An alias in Anthropic's shape, whose own API gives the epoch where a model's age is not known. */
export function renderAnthropicModel(id: string): Record<string, unknown> {
  return {
    type: "model",
    id,
    display_name: id,
    created_at: "1970-01-01T00:00:00Z",
    lifecycle: "active",
    line: null,
    capabilities: null,
    max_input_tokens: null,
    max_tokens: null,
    deprecated_at: null,
  };
}

/** A page of the aliases in Anthropic's shape; a cursor that names none of them is at the beginning, or at the end. */
export function renderAnthropicModels(
  ids: readonly string[],
  { limit, after_id: after, before_id: before }: z.infer<typeof modelPageSchema>,
): Record<string, unknown> {
  const from = after === undefined ? 0 : ids.indexOf(after) + 1;
  const to = before === undefined || !ids.includes(before) ? ids.length : ids.indexOf(before);
  const there = ids.slice(from, to);
  const page = before === undefined ? there.slice(0, limit) : there.slice(-limit);
  return {
    data: page.map(renderAnthropicModel),
    has_more: page.length < there.length,
    first_id: page[0] ?? null,
    last_id: page.at(-1) ?? null,
  };
}
