/** A way in which models are asked and answer: OpenAI's chat completions, OpenAI's responses, Anthropic's messages. */
export type Dialect = "chat" | "responses" | "messages";

const endpoints: Readonly<Record<Dialect, string>> = {
  chat: "/v1/chat/completions",
  responses: "/v1/responses",
  messages: "/v1/messages",
};

/** The dialect that is spoken at an endpoint; `undefined` for endpoints such as embeddings, which have no other. */
export function dialectOf(endpoint: string): Dialect | undefined {
  for (const [dialect, path] of Object.entries(endpoints)) {
    if (path === endpoint) return dialect as Dialect;
  }
  return undefined;
}

/** The path at which a dialect is spoken. */
export function endpointOf(dialect: Dialect): string {
  return endpoints[dialect];
}
