/**
 * How many texts a request of `/v1/embeddings` has embedded: each element of a list of texts or of lists of tokens is
 * one, a text or one list of tokens is one by itself.
 */
export function embeddingInputs(body: unknown): number {
  const input = (body as { readonly input?: unknown } | undefined)?.input;
  if (!Array.isArray(input) || input.every((element) => typeof element === "number")) return 1;
  return input.length;
}
