import type { Usage } from "@sluice/domain";

type Fields = Readonly<Record<string, unknown>>;

/**
 * The tokens that a parsed answer says it took: chat completions, completions and embeddings (`prompt_tokens`…),
 * responses and messages (`input_tokens`…). `undefined` when it says nothing; single missing fields count 0.
 */
export function parseUsage(answer: unknown): Usage | undefined {
  const usage = isFields(answer) ? answer["usage"] : undefined;
  if (!isFields(usage)) return undefined;
  const input = count(usage["prompt_tokens"]) ?? count(usage["input_tokens"]) ?? count(usage["total_tokens"]);
  if (input === undefined) return undefined;
  // Anthropic counts what it wrote to and read from its cache beside `input_tokens`, OpenAI within.
  const cacheRead = count(usage["cache_read_input_tokens"]) ?? 0;
  const cacheWritten = count(usage["cache_creation_input_tokens"]) ?? 0;
  return {
    inputTokens: input + cacheRead + cacheWritten,
    outputTokens: count(usage["completion_tokens"]) ?? count(usage["output_tokens"]) ?? 0,
    cachedInputTokens:
      cacheRead +
      (detail(usage, "prompt_tokens_details", "cached_tokens") ??
        detail(usage, "input_tokens_details", "cached_tokens") ??
        0),
    reasoningTokens:
      detail(usage, "completion_tokens_details", "reasoning_tokens") ??
      detail(usage, "output_tokens_details", "reasoning_tokens") ??
      detail(usage, "output_tokens_details", "thinking_tokens") ??
      0,
  };
}

function detail(usage: Fields, group: string, name: string): number | undefined {
  const fields = usage[group];
  return isFields(fields) ? count(fields[name]) : undefined;
}

function count(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
