import type { DeadLetter, DeadLetterGroup } from "@sluice/domain";
import { z } from "zod";
import { optionalText, pageFields, routingSchema, text } from "./requests.ts";

/** Query of `GET /v1/dead-letters`; `since` is a moment, or a duration back from now. */
export const deadLetterListQuerySchema = z.strictObject({
  ...pageFields,
  order: z.enum(["asc", "desc"]).default("desc"),
  group_by: z.literal("cause").optional(),
  model: optionalText(128).optional(),
  batch_id: optionalText(64).optional(),
  cause: optionalText(512).optional(),
  since: optionalText(64).optional(),
});

/** Body of `POST /v1/dead-letters/redrive`; an empty filter means all of the tenant's dead letters. */
export const redriveRequestSchema = z.strictObject({
  filter: z.strictObject({
    ids: z.array(text(64)).min(1).max(1000).optional(),
    model: text(128).optional(),
    batch_id: text(64).optional(),
    cause: text(512).optional(),
    since: text(64).optional(),
  }),
  routing: routingSchema.optional(),
  deadline: text(64).optional(),
  dry_run: z.boolean().optional(),
});

const iso = (at: number): string => new Date(at).toISOString();

/** A dead letter as its owner reads it; its request stays with the job. */
export function renderDeadLetter(letter: DeadLetter): { id: string } & Record<string, unknown> {
  const { batchLine } = letter;
  return {
    id: letter.jobId,
    object: "dead_letter",
    cause: letter.cause,
    calls: letter.calls.map(({ outcome, statusCode, count }) => ({
      outcome,
      status_code: statusCode ?? null,
      count,
    })),
    model: letter.model,
    endpoint: letter.endpoint,
    target: letter.targetId ?? null,
    sla: letter.sla,
    priority: letter.priority,
    attempts: letter.attempts,
    input_tokens: letter.inputTokens,
    created_at: iso(letter.acceptedAt),
    died_at: iso(letter.diedAt),
    error: letter.failure,
    ...(batchLine === undefined ? {} : { batch_id: batchLine.batchId, custom_id: batchLine.customId }),
  };
}

/** Dead letters that died of the same. */
export function renderDeadLetterGroup(group: DeadLetterGroup): Record<string, unknown> {
  return {
    object: "dead_letter.group",
    cause: group.cause,
    model: group.model,
    target: group.targetId ?? null,
    count: group.count,
    oldest_at: iso(group.oldestAt),
    newest_at: iso(group.newestAt),
    sample_ids: group.sampleIds,
  };
}
