import { type DeadLetter, idFromUuid } from "@sluice/domain";
import { expect, test } from "vitest";
import { sampleJob, sampleMoment, sampleUuid } from "../../../test/kit/samples.ts";
import {
  deadLetterListQuerySchema,
  redriveRequestSchema,
  renderDeadLetter,
  renderDeadLetterGroup,
} from "./dead-letters.ts";
import { renderJob } from "./views.ts";
import { parseWith } from "./zod-errors.ts";

const letter: DeadLetter = {
  jobId: sampleJob.id,
  tenantId: sampleJob.tenantId,
  model: "auto",
  endpoint: "/v1/responses",
  sla: "standard",
  priority: 3,
  inputTokens: 7,
  maxOutputTokens: undefined,
  capabilities: [],
  routing: {},
  batchLine: undefined,
  keyId: undefined,
  acceptedAt: sampleMoment,
  diedAt: sampleMoment + 1000,
  attempts: 5,
  targetId: undefined,
  failure: { code: "attempts_exhausted", message: "All attempts failed." },
  cause: "attempts_exhausted: overloaded 503, timed-out",
  calls: [
    { outcome: "overloaded", statusCode: 503, count: 3 },
    { outcome: "timed-out", statusCode: undefined, count: 2 },
  ],
};

test("a dead letter says how its calls ended, when it died, and which line it answered", () => {
  expect(renderDeadLetter(letter)).toEqual({
    id: sampleJob.id,
    object: "dead_letter",
    cause: letter.cause,
    calls: [
      { outcome: "overloaded", status_code: 503, count: 3 },
      { outcome: "timed-out", status_code: null, count: 2 },
    ],
    model: "auto",
    endpoint: "/v1/responses",
    target: null,
    sla: "standard",
    priority: 3,
    attempts: 5,
    input_tokens: 7,
    created_at: "2026-11-20T15:00:00.123Z",
    died_at: "2026-11-20T15:00:01.123Z",
    error: letter.failure,
  });
  const batchLine = { batchId: idFromUuid("batch", sampleUuid), line: 4, customId: "four" };
  expect(renderDeadLetter({ ...letter, batchLine })).toMatchObject({
    batch_id: batchLine.batchId,
    custom_id: "four",
  });
});

test("a group has its count, its span of time and some of its jobs", () => {
  const { cause, model, targetId, jobId } = letter;
  const times = { oldestAt: sampleMoment, newestAt: sampleMoment + 1 };
  expect(renderDeadLetterGroup({ cause, model, targetId, count: 9, ...times, sampleIds: [jobId] })).toEqual({
    object: "dead_letter.group",
    cause,
    model,
    target: null,
    count: 9,
    oldest_at: "2026-11-20T15:00:00.123Z",
    newest_at: "2026-11-20T15:00:00.124Z",
    sample_ids: [jobId],
  });
});

test("a job names the one it was made of, and the one made of it", () => {
  const other = idFromUuid("job", "0198f3a0-0000-7000-8000-000000000009");
  const read = (changes: object) => JSON.parse(renderJob({ ...sampleJob, ...changes }, undefined)) as object;
  expect(read({ redrivenFrom: other })).toMatchObject({ redriven_from: other });
  expect(read({ state: "dead", redrivenAs: other })).toMatchObject({ redriven_as: other });
  const plain = read({ state: "dead" });
  expect(plain).not.toHaveProperty("redriven_from");
  expect(plain).not.toHaveProperty("redriven_as");
});

test("the filter of a redrive must be given, so that everything is meant only when nothing is asked for", () => {
  expect(parseWith(redriveRequestSchema, { filter: {} })).toEqual({ filter: {} });
  expect(() => parseWith(redriveRequestSchema, {})).toThrow(/'filter'/);
  expect(() => parseWith(redriveRequestSchema, { filter: { ids: [] } })).toThrow(/'filter.ids'/);
});

test("lists are twenty long, newest first", () => {
  expect(parseWith(deadLetterListQuerySchema, {})).toEqual({ limit: 20, order: "desc" });
});
