import { Ajv } from "ajv";
import schemas from "./openai-schemas.json" with { type: "json" };

const ajv = new Ajv({ strict: false, allErrors: true });
ajv.addSchema(schemas, "openai");

/** Path behind `/v1` and method → the schema of its answer in OpenAI's description. */
const answers = [
  [/^\/files$/, "POST", "OpenAIFile"],
  [/^\/files$/, "GET", "ListFilesResponse"],
  [/^\/files\/[^/]+$/, "GET", "OpenAIFile"],
  [/^\/files\/[^/]+$/, "DELETE", "DeleteFileResponse"],
  [/^\/uploads$/, "POST", "Upload"],
  [/^\/uploads\/[^/]+\/(?:complete|cancel)$/, "POST", "Upload"],
  [/^\/uploads\/[^/]+\/parts$/, "POST", "UploadPart"],
  [/^\/batches$/, "POST", "Batch"],
  [/^\/batches$/, "GET", "ListBatchesResponse"],
  [/^\/batches\/[^/]+$/, "GET", "Batch"],
  [/^\/batches\/[^/]+\/cancel$/, "POST", "Batch"],
  [/^\/responses$/, "POST", "Response"],
  [/^\/responses\/input_tokens$/, "POST", "TokenCountsResource"],
  [/^\/responses\/[^/]+$/, "GET", "Response"],
  [/^\/responses\/[^/]+\/cancel$/, "POST", "Response"],
  [/^\/responses\/[^/]+\/input_items$/, "GET", "ResponseItemList"],
  [/^\/chat\/completions$/, "POST", "CreateChatCompletionResponse"],
  [/^\/completions$/, "POST", "CreateCompletionResponse"],
  [/^\/embeddings$/, "POST", "CreateEmbeddingResponse"],
  [/^\/moderations$/, "POST", "CreateModerationResponse"],
  [/^\/models$/, "GET", "ListModelsResponse"],
  [/^\/models\/[^/]+$/, "GET", "Model"],
] as const;

/** The schemas of OpenAI's webhook events, by type. */
const events = {
  "batch.completed": "WebhookBatchCompleted",
  "batch.failed": "WebhookBatchFailed",
  "batch.expired": "WebhookBatchExpired",
  "batch.cancelled": "WebhookBatchCancelled",
  "response.completed": "WebhookResponseCompleted",
  "response.failed": "WebhookResponseFailed",
  "response.cancelled": "WebhookResponseCancelled",
  "response.incomplete": "WebhookResponseIncomplete",
} as const;

/** The description does not say so, but its examples of batches have null for what is absent. */
const batches = new Set<string>(["Batch", "ListBatchesResponse"]);

function withoutNulls(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_key, each) => each ?? undefined);
}

/** Nor of embeddings, which OpenAI's own clients ask for as base64. */
function withNumbers(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (key, each) =>
    key === "embedding" && typeof each === "string" ? [...Buffer.from(each, "base64")] : each,
  );
}

function seenAs(schema: OpenaiSchema, value: unknown): unknown {
  if (schema === "CreateEmbeddingResponse") return withNumbers(value);
  return batches.has(schema) ? withoutNulls(value) : value;
}

type OpenaiSchema = keyof (typeof schemas)["$defs"];

/** Throws, naming what is wrong, unless a value is as a schema of OpenAI's description says. */
export function checkOpenaiValue(schema: OpenaiSchema, value: unknown): void {
  if (ajv.validate(`openai#/$defs/${schema}`, seenAs(schema, value))) return;
  throw new Error(`no ${schema}: ${ajv.errorsText()}\n${JSON.stringify(value).slice(0, 2000)}`);
}

/** Throws unless the body of one of OpenAI's webhook events is as OpenAI describes it. */
export function checkOpenaiEvent(event: { readonly type: string }): void {
  const schema = events[event.type as keyof typeof events];
  if (schema === undefined) throw new Error(`'${event.type}' is no event of OpenAI's`);
  checkOpenaiValue(schema, event);
}

/**
 * Throws unless a good JSON answer is as OpenAI describes it; answers how many were checked: 1, or 0 for other calls,
 * errors and streams.
 */
export async function checkOpenaiAnswer(url: string, method: string, response: Response): Promise<0 | 1> {
  const path = new URL(url).pathname.replace(/^\/v1/, "");
  const schema = answers.find(([pattern, verb]) => verb === method.toUpperCase() && pattern.test(path))?.[2];
  if (schema === undefined || !response.ok) return 0;
  if (response.headers.get("content-type")?.startsWith("text/event-stream") === true) return 0;
  checkOpenaiValue(schema, await response.json());
  return 1;
}
