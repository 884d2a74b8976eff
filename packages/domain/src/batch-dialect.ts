/** Whose API a batch was created by, and is read by: OpenAI's batches or Anthropic's message batches. */
export type BatchDialect = "openai" | "anthropic";
