// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${NAME} in plain text is what this file is about.
import { z } from "zod";
import {
  duration,
  numberBetween,
  oneOf,
  positiveInteger,
  positiveNumber,
  strict,
  text,
  url,
  zeroOrMore,
} from "./scalars.ts";

const apiKey = text()
  .optional()
  .describe('Credential, best as "${NAME}"; never logged and left out of the hash.');

const metric = () =>
  text()
    .regex(/^[a-zA-Z_:][\w:]*(\{\s*(\w+\s*=\s*("[^"]*"|[^",{}]+)\s*,?\s*)*\})?$/, {
      error: "must be a metric such as name{label=value}",
    })
    .optional();

const metrics = strict({
  waiting: metric().describe("Requests in its queue; several series add up."),
  running: metric().describe("Requests being served; several series add up."),
  kv_cache_usage: metric().describe("Share of the KV cache in use, 0 to 1."),
  gpu_utilisation: metric().describe("Share of time that the GPU is busy, 0 to 1."),
  gpu_memory_used: metric().describe("Share of the GPU's memory in use, 0 to 1."),
});

const engine = strict({
  kind: oneOf(["vllm", "sglang", "trtllm", "triton", "tgi", "custom"]).describe(
    "Which engine serves the model; custom: what its metrics are called stands below.",
  ),
  metrics: metrics.optional().describe("Metrics by other names than its kind's."),
  metrics_url: url().optional().describe("Its Prometheus metrics."),
  dcgm_url: url().optional().describe("The GPU metrics of NVIDIA DCGM."),
});

/** A path on the provider's own host: a second slash would name another one. */
const path = () =>
  text()
    .regex(/^\/(?![/\\])[!"$-~]*$/, { error: "must be a path such as /health" })
    .optional();

const healthCheck = strict({
  path: path().describe("Asked with GET on the host of base_url; absent: the list of models."),
  interval: duration().prefault("10s").describe("From one check to the next."),
  timeout: duration()
    .optional()
    .describe("An answer that takes longer is a failure; absent: 5s, or the interval."),
  healthy_after: positiveInteger().default(2).describe("Passes in a row that bring it back after failures."),
  unhealthy_after: positiveInteger().default(3).describe("Failures in a row that take it out."),
})
  .refine(({ interval }) => interval >= 1_000, { error: "must be 1s or more", path: ["interval"] })
  .refine(({ interval, timeout }) => timeout === undefined || timeout <= interval, {
    error: "must not exceed health_check.interval",
    path: ["timeout"],
  })
  .optional()
  .describe("Its targets take jobs only while GET requests to it are answered well.");

const openai = strict({
  kind: z.literal("openai"),
  base_url: url().prefault("https://api.openai.com/v1").describe("Address up to and with the version."),
  api_key: apiKey,
  engine: engine.optional().describe("A GPU engine of your own, whose load is read."),
  health_check: healthCheck,
});

const anthropic = strict({
  kind: z.literal("anthropic"),
  base_url: url().prefault("https://api.anthropic.com").describe("Address without /v1."),
  api_key: apiKey,
  health_check: healthCheck,
});

const simulator = strict({
  kind: z.literal("simulator"),
  ttft_ms: zeroOrMore().default(500).describe("Milliseconds to the first token."),
  tokens_per_second: positiveNumber().default(50).describe("Output speed of one call."),
  requests_per_minute: positiveInteger().optional().describe("Calls per sliding minute; absent: unlimited."),
  tokens_per_minute: positiveInteger().optional().describe("Input and output tokens per sliding minute."),
  input_tokens_per_minute: positiveInteger().optional().describe("Input tokens per sliding minute."),
  output_tokens_per_minute: positiveInteger().optional().describe("Output tokens per sliding minute."),
  concurrency: positiveInteger().optional().describe("Calls at the same time."),
  error_rate: numberBetween(0, 1).default(0).describe("Share of calls answered with an error."),
});

const kinds = ["openai", "anthropic", "simulator"] as const;

/** One entry of `providers`. */
export const providerSchema = z.discriminatedUnion("kind", [openai, anthropic, simulator], {
  error: (issue) => {
    // zod also asks here when the provider is no mapping at all, which its types leave out.
    if ((issue.code as string) === "invalid_type")
      return issue.input === undefined ? "is required" : "must be a mapping";
    const kind = (issue.input as { kind?: unknown } | undefined)?.kind;
    return kind === undefined
      ? `is required: one of ${kinds.join(", ")}`
      : `must be one of ${kinds.join(", ")}`;
  },
});

export type ProviderInput = z.output<typeof providerSchema>;
