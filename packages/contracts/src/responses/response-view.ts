import { assertNever, type Job, type ResponseEnding, type ResponseId, responseOfJob } from "@sluice/domain";
import { findTopLevelSpans } from "../json-spans.ts";
import { isJsonObject } from "../parse-json.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What a response says of its request when the upstream does not; the values are OpenAI's defaults. */
const defaults = {
  instructions: null,
  max_output_tokens: null,
  metadata: {},
  parallel_tool_calls: true,
  reasoning: { effort: null, summary: null },
  temperature: null,
  text: { format: { type: "text" } },
  tool_choice: "auto",
  tools: [],
  top_p: null,
  truncation: "disabled",
} as const satisfies Fields;

/** Fields of the request that a response repeats only if they were sent. */
const repeated = [
  "max_tool_calls",
  "prompt",
  "prompt_cache_key",
  "safety_identifier",
  "service_tier",
  "top_logprobs",
  "user",
] as const;

const seconds = (at: number): number => Math.floor(at / 1000);

/**
 * A job as the Response of OpenAI's that its result is read as; JSON text. `request` are the bytes that the upstream
 * got, `body` those of its answer. The id is ours, everything else of the answer as it came.
 */
export function renderResponse(job: Job, request: Buffer, body: Buffer | undefined): string {
  const asked = parsed(request);
  const answer = job.state === "succeeded" ? parsed(body) : {};
  const view = { ...askedFields(asked), model: job.model, output: [], ...answer };
  const metadata = asked["metadata"] ?? view.metadata;
  const usage = isJsonObject(answer["usage"]) ? { usage: usageOf(answer["usage"]) } : {};
  return JSON.stringify({ ...view, ...usage, ...headOf(job, answer), metadata, ...endOf(job, answer, body) });
}

function askedFields(asked: Fields): Fields & typeof defaults {
  const names = [...Object.keys(defaults), ...repeated].filter((name) => (asked[name] ?? null) !== null);
  return { ...defaults, ...Object.fromEntries(names.map((name) => [name, asked[name]])) };
}

/** Some upstreams leave out the details, which OpenAI's clients read without looking whether they are there. */
function usageOf(usage: Fields): Fields {
  const input = isJsonObject(usage["input_tokens_details"]) ? usage["input_tokens_details"] : {};
  const output = isJsonObject(usage["output_tokens_details"]) ? usage["output_tokens_details"] : {};
  return {
    ...usage,
    input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0, ...input },
    output_tokens_details: { reasoning_tokens: 0, ...output },
  };
}

/** Who waits for an answer gets the upstream's time of it; who polls sees one time throughout. */
function headOf(job: Job, answer: Fields): Fields {
  const background = job.response === "background";
  const answeredAt = answer["created_at"];
  const createdAt = !background && typeof answeredAt === "number" ? answeredAt : seconds(job.acceptedAt);
  return {
    id: responseOfJob(job.id),
    object: "response",
    created_at: createdAt,
    background,
    store: true,
    previous_response_id: job.previousResponse ?? null,
  };
}

function endOf(job: Job, answer: Fields, body: Buffer | undefined): Fields {
  const unended = { error: null, incomplete_details: null, completed_at: null };
  switch (job.state) {
    case "queued":
      return { status: "queued", ...unended };
    case "waiting":
      return { status: job.epoch === 0 ? "queued" : "in_progress", ...unended };
    case "running":
      return { status: "in_progress", ...unended };
    case "succeeded":
      return succeeded(job, answer);
    case "failed":
      return failed("invalid_prompt", messageOf(body) ?? "The upstream refused the request.");
    case "dead":
    case "expired":
      return failed("server_error", `${job.failure?.message} (${job.failure?.code})`);
    case "cancelled":
      return { status: "cancelled", ...unended };
    default:
      return assertNever(job.state);
  }
}

function succeeded(job: Job, answer: Fields): Fields {
  if (!Array.isArray(answer["output"]))
    return failed("server_error", "The upstream's answer is no response.");
  const status = endingOf(answer["status"]);
  const completedAt = answer["completed_at"] ?? seconds(job.finishedAt ?? job.acceptedAt);
  return {
    status,
    error: answer["error"] ?? null,
    incomplete_details: answer["incomplete_details"] ?? null,
    completed_at: status === "completed" ? completedAt : null,
  };
}

function failed(code: "invalid_prompt" | "server_error", message: string): Fields {
  return { status: "failed", error: { code, message }, incomplete_details: null, completed_at: null };
}

function endingOf(status: unknown): ResponseEnding {
  return status === "incomplete" || status === "failed" ? status : "completed";
}

/** How an upstream's answer ends a response, without parsing the rest of it. */
export function responseEnding(body: Buffer): ResponseEnding {
  const { status, output } = findTopLevelSpans(body, ["status", "output"]);
  if (output.length === 0) return "failed";
  const [span] = status;
  return span === undefined ? "completed" : endingOf(body.toString("utf8", span.start + 1, span.end - 1));
}

/** An answer under the id that the response can be read by later; all else keeps its bytes. */
export function underOurId(id: ResponseId, body: Buffer): Buffer {
  const [span] = findTopLevelSpans(body, ["id"]).id;
  if (span === undefined) return body;
  return Buffer.concat([
    body.subarray(0, span.start),
    Buffer.from(JSON.stringify(id)),
    body.subarray(span.end),
  ]);
}

function messageOf(body: Buffer | undefined): string | undefined {
  const { error, message } = parsed(body);
  if (isJsonObject(error) && typeof error["message"] === "string") return error["message"];
  return typeof message === "string" ? message : undefined;
}

/** The fields of a JSON object that are not null; none for what is no object. */
function parsed(body: Buffer | undefined): Fields {
  if (body === undefined) return {};
  try {
    const value: unknown = JSON.parse(body.toString("utf8"));
    if (!isJsonObject(value)) return {};
    return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null));
  } catch {
    return {};
  }
}
