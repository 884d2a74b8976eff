import { z } from "zod";
import { durationPattern } from "./durations-and-sizes.ts";
import {
  list,
  mustNotBeEmpty,
  name,
  oneOf,
  positiveInteger,
  positiveNumber,
  says,
  strict,
  text,
  zeroOrMore,
} from "./scalars.ts";

/** Paths a target can serve: what OpenAI's batches accept, and Anthropic's messages. */
const endpoints = [
  "/v1/chat/completions",
  "/v1/responses",
  "/v1/completions",
  "/v1/embeddings",
  "/v1/moderations",
  "/v1/messages",
  "/v1/images/generations",
  "/v1/images/edits",
  "/v1/videos",
] as const;

const limits = strict({
  requests_per_minute: positiveInteger().optional().describe("Calls per sliding minute."),
  tokens_per_minute: positiveInteger().optional().describe("Input and output tokens per sliding minute."),
  input_tokens_per_minute: positiveInteger().optional().describe("Input tokens per sliding minute."),
  output_tokens_per_minute: positiveInteger().optional().describe("Output tokens per sliding minute."),
  concurrency: positiveInteger().optional().describe("Calls at the same time."),
  tokens_per_day: positiveInteger().optional().describe("Input and output tokens per sliding day."),
  usd_per_day: positiveNumber().optional().describe("Spend per sliding day."),
});

const price = strict({
  input: zeroOrMore().default(0).describe("USD per million input tokens."),
  cached_input: zeroOrMore().optional().describe("USD per million cached input tokens; absent: as input."),
  output: zeroOrMore().default(0).describe("USD per million output tokens."),
});

const retentionExpectation = "must be none or a duration like 30d";

const data = strict({
  retention: z
    .string(says(retentionExpectation))
    .regex(new RegExp(`^none$|${durationPattern.source}`), says(retentionExpectation))
    .optional()
    .describe("How long the provider keeps requests: none or a duration."),
  training: oneOf(["deny", "allow"]).optional().describe("Whether the provider may train on requests."),
});

const target = strict({
  id: name().describe("Name of the target, unique in the file."),
  provider: text().describe("An entry of providers."),
  model: text().describe("The provider's own model name."),
  version: text().optional().describe("Free text that tells apart the targets of a pool."),
  weight: positiveNumber()
    .default(1)
    .describe("Share among equals, for the weight scorer and the weighted picker."),
  limits: limits.optional().describe("What the provider grants; absent on a simulator: the provider's own."),
  price: price.prefault({}).describe("What tokens cost."),
  context_window: positiveInteger().default(128_000).describe("Tokens of prompt and answer together."),
  max_output_tokens: positiveInteger()
    .optional()
    .describe("Longest answer; absent: 16384 or the context window."),
  endpoints: list(oneOf(endpoints))
    .optional()
    .describe("Paths it serves; absent: what its kind of provider serves."),
  capabilities: list(text())
    .default([])
    .describe("What it can do beyond text: tools, json_schema, vision and so on."),
  region: text().optional().describe("Where requests are processed."),
  data: data.optional().describe("What the provider does with requests."),
  tags: list(text()).default([]).describe("Free labels."),
});

/** One entry of `pools`. */
export const poolSchema = strict({
  targets: list(target).min(1, { error: mustNotBeEmpty }).describe("Interchangeable targets."),
});

export type PoolInput = z.output<typeof poolSchema>;
export type TargetInput = PoolInput["targets"][number];
