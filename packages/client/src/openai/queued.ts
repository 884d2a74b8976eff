import type {
  ChatCompletion,
  ChatCompletionCreateParamsNonStreaming,
} from "openai/resources/chat/completions";
import type { CreateEmbeddingResponse, EmbeddingCreateParams } from "openai/resources/embeddings";
import type {
  ResponseCreateParamsNonStreaming,
  Response as ResponseObject,
} from "openai/resources/responses/responses";
import type { SubmitOptions } from "../jobs.ts";
import { Sluice } from "../sluice.ts";
import type { Job, JobOptions } from "../types.ts";
import { type QueuedOptions, queuedFetch } from "./queued-fetch.ts";

/** Beside `create`: the same request, answered by its job as soon as that is durable. */
export interface Submits<Params, Answer> {
  submit(params: Params, options?: JobOptions & SubmitOptions): Promise<Job<Answer>>;
}

/** A client whose create calls are queued jobs. */
export type QueuedOpenAI<Client> = Client & {
  chat: { completions: Submits<ChatCompletionCreateParamsNonStreaming, ChatCompletion> };
  responses: Submits<ResponseCreateParamsNonStreaming, ResponseObject>;
  embeddings: Submits<EmbeddingCreateParams, CreateEmbeddingResponse>;
};

/** What is needed of the `openai` client, so that any major of it will do. */
interface Wrappable {
  withOptions(options: never): unknown;
  readonly chat: { readonly completions: object };
  readonly responses: object;
  readonly embeddings: object;
}

/** The longest a timer can run, 24 days: deadlines end jobs, not the client's 10 minutes. */
const timeout = 2_147_483_647;

/**
 * A copy of an `openai` client whose `chat.completions.create`, `responses.create` and `embeddings.create` are jobs in
 * Sluice's queue. They take and return what they always did and throw the client's own errors; `submit` beside them
 * returns the job at once. The copy's other calls (files, batches) go to Sluice too. The given client is not changed.
 */
export function queued<Client extends Wrappable>(
  openai: Client,
  { sluice = new Sluice(), ...defaults }: QueuedOptions = {},
): QueuedOpenAI<Client> {
  const client = openai.withOptions({
    baseURL: `${sluice.baseUrl}/v1`,
    apiKey: sluice.apiKey,
    fetch: queuedFetch({ sluice, ...defaults }),
    // Retries are this package's: it knows the idempotency key.
    maxRetries: 0,
    timeout,
  } as never) as Client;
  const submits = (endpoint: string): Submits<object, never> => ({
    submit(body, { idempotencyKey, signal, ...options } = {}) {
      return sluice.jobs.submit({ endpoint, body, ...defaults, ...options }, { idempotencyKey, signal });
    },
  });
  Object.assign(client.chat.completions, submits("/v1/chat/completions"));
  Object.assign(client.responses, submits("/v1/responses"));
  Object.assign(client.embeddings, submits("/v1/embeddings"));
  return client as QueuedOpenAI<Client>;
}
