/** A call of an official client and what it sends; `notes` says what our answer has beyond or below theirs. */
export interface ClientCall {
  readonly call: string;
  /** Method and path, parts in braces stand for an id. */
  readonly http: string;
  /** Only the newer generation of the client has it. */
  readonly onlyNewer?: true;
  readonly notes?: string;
}

/** The calls of `openai` that Sluice serves, by area; an area `ofTwoWords` has the test file `of-two-words.test.ts`. */
export const openaiCalls = {
  files: [
    { call: "files.create", http: "POST /v1/files", notes: "any order of the form's fields, chunked" },
    { call: "files.retrieve, files.waitForProcessing", http: "GET /v1/files/{id}" },
    { call: "files.list", http: "GET /v1/files" },
    { call: "files.content", http: "GET /v1/files/{id}/content", notes: "and ranges" },
    { call: "files.delete", http: "DELETE /v1/files/{id}" },
    { call: "uploads.create", http: "POST /v1/uploads" },
    { call: "uploads.parts.create", http: "POST /v1/uploads/{id}/parts" },
    { call: "uploads.complete", http: "POST /v1/uploads/{id}/complete" },
    { call: "uploads.cancel", http: "POST /v1/uploads/{id}/cancel" },
  ],
  batches: [
    { call: "batches.create", http: "POST /v1/batches", notes: "any window; more fields: batches.md" },
    { call: "batches.retrieve", http: "GET /v1/batches/{id}" },
    { call: "batches.list", http: "GET /v1/batches" },
    { call: "batches.cancel", http: "POST /v1/batches/{id}/cancel" },
  ],
  facade: [
    {
      call: "chat.completions.create",
      http: "POST /v1/chat/completions",
      notes: "waits for a job: facade.md",
    },
    { call: "completions.create", http: "POST /v1/completions", notes: "not as a stream" },
    { call: "embeddings.create", http: "POST /v1/embeddings" },
    { call: "moderations.create", http: "POST /v1/moderations" },
    { call: "models.list", http: "GET /v1/models", notes: "the aliases" },
    { call: "models.retrieve", http: "GET /v1/models/{id}" },
  ],
  responses: [
    { call: "responses.create", http: "POST /v1/responses", notes: "in the background too: responses.md" },
    { call: "responses.retrieve", http: "GET /v1/responses/{id}" },
    { call: "responses.cancel", http: "POST /v1/responses/{id}/cancel" },
    { call: "responses.delete", http: "DELETE /v1/responses/{id}" },
    { call: "responses.inputItems.list", http: "GET /v1/responses/{id}/input_items" },
    { call: "responses.inputTokens.count", http: "POST /v1/responses/input_tokens", notes: "an estimate" },
  ],
  webhooks: [
    { call: "webhooks.create", http: "POST /v1/webhook_endpoints", onlyNewer: true },
    { call: "webhooks.retrieve", http: "GET /v1/webhook_endpoints/{id}", onlyNewer: true },
    { call: "webhooks.list", http: "GET /v1/webhook_endpoints", onlyNewer: true },
    { call: "webhooks.update", http: "POST /v1/webhook_endpoints/{id}", onlyNewer: true },
    { call: "webhooks.delete", http: "DELETE /v1/webhook_endpoints/{id}", onlyNewer: true },
    { call: "webhooks.rotateSecret", http: "POST /v1/webhook_endpoints/{id}/rotate_secret", onlyNewer: true },
    { call: "webhooks.test", http: "POST /v1/webhook_endpoints/{id}/test", onlyNewer: true },
    { call: "webhooks.eventTypes.list", http: "GET /v1/webhook_event_types", onlyNewer: true },
  ],
  streams: [
    {
      call: "chat.completions.create with stream, chat.completions.stream",
      http: "POST /v1/chat/completions",
      notes: "streaming.md",
    },
    {
      call: "responses.create with stream, responses.stream",
      http: "POST /v1/responses",
      notes: "streaming.md",
    },
    { call: "responses.retrieve with stream", http: "GET /v1/responses/{id}", notes: "and starting_after" },
  ],
} as const satisfies Record<string, readonly ClientCall[]>;

/** The calls of `@anthropic-ai/sdk` that Sluice serves, by area. */
export const anthropicCalls = {
  messageBatches: [
    {
      call: "messages.batches.create",
      http: "POST /v1/messages/batches",
      notes: "streamed in; headers: message-batches.md",
    },
    { call: "messages.batches.retrieve", http: "GET /v1/messages/batches/{id}" },
    { call: "messages.batches.list", http: "GET /v1/messages/batches" },
    { call: "messages.batches.cancel", http: "POST /v1/messages/batches/{id}/cancel" },
    { call: "messages.batches.delete", http: "DELETE /v1/messages/batches/{id}" },
    { call: "messages.batches.results", http: "GET /v1/messages/batches/{id}/results" },
  ],
  facade: [
    { call: "messages.create", http: "POST /v1/messages", notes: "waits for a job: facade.md" },
    { call: "models.list", http: "GET /v1/models", notes: "the aliases" },
    { call: "models.retrieve", http: "GET /v1/models/{id}" },
  ],
  streams: [
    {
      call: "messages.create with stream, messages.stream",
      http: "POST /v1/messages",
      notes: "streaming.md",
    },
  ],
} as const satisfies Record<string, readonly ClientCall[]>;
