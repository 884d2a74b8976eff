import type {
  BulkRequest,
  EndedJob,
  Feedback,
  FeedbackRequest,
  Job,
  JobEvent,
  JobRequest,
  KnownEndpoint,
  ListedJob,
  Route,
  WebhookEvent,
} from "@sluice/client";
import {
  type bulkLineSchema,
  type feedbackSchema,
  knownEndpoints,
  type JobRequest as ReadJobRequest,
  renderAccepted,
  renderFeedback,
  renderJob,
  renderJobEvent,
  renderRoute,
  renderWebhook,
} from "@sluice/contracts";
import {
  type Route as Decision,
  idFromUuid,
  type Job as KeptJob,
  noUsage,
  responseOfJob,
  terminalJobStates,
} from "@sluice/domain";
import { expect, expectTypeOf, test } from "vitest";
import type { z } from "zod";
import { sampleJob, sampleMoment, sampleUuid } from "../kit/samples.ts";

// The client's types are written by hand, so that it needs no zod. Here they are held to what the API reads and writes.

/** Every field of every member of a union, once each: a field that is added to the type is missed here at once. */
type FieldsOf<T> = Record<T extends unknown ? keyof T : never, true>;

test("the client asks for exactly what the API reads", () => {
  type Loose = "body" | "endpoint";
  expectTypeOf<keyof JobRequest>().toEqualTypeOf<keyof ReadJobRequest>();
  expectTypeOf<Omit<JobRequest, Loose>>().toEqualTypeOf<Omit<ReadJobRequest, Loose>>();
  expectTypeOf<Omit<BulkRequest, Loose>>().toEqualTypeOf<Omit<z.infer<typeof bulkLineSchema>, Loose>>();
  const known: Record<KnownEndpoint, true> = {
    "/v1/chat/completions": true,
    "/v1/responses": true,
    "/v1/messages": true,
    "/v1/embeddings": true,
    "/v1/completions": true,
    "/v1/moderations": true,
  };
  expect(Object.keys(known).sort()).toEqual([...knownEndpoints].sort());
  expectTypeOf<FeedbackRequest>().toEqualTypeOf<z.infer<typeof feedbackSchema>>();
});

const estimate = { estimate: { p50At: sampleMoment, p95At: sampleMoment }, atRisk: false };
const parse = <T>(text: string) => JSON.parse(text) as T;

/**
 * A job with everything a job in this state can have. A field that is new in the domain and may be absent is missed
 * here by the type checker: add it, and to the client's types if the API shows it.
 */
function full(state: KeptJob["state"]): Required<KeptJob> {
  const hasResult = state === "succeeded" || state === "failed";
  const result = { statusCode: 200, contentType: "application/json", upstreamRequestId: undefined };
  return {
    ...sampleJob,
    state,
    webhookPayload: "thin",
    streamed: true,
    response: "stored",
    previousResponse: responseOfJob(sampleJob.id),
    batchLine: { batchId: idFromUuid("batch", sampleUuid), line: 1, customId: "a" },
    notBeforeAt: sampleMoment,
    waitingFor: "target.concurrency",
    redrivenFrom: sampleJob.id,
    redrivenAs: sampleJob.id,
    carriedFrom: sampleJob.id,
    finishedAt: sampleMoment,
    targetId: "mini",
    usage: noUsage,
    costUsd: 1,
    result: hasResult ? { ...result, body: sampleJob.body } : undefined,
    failure: hasResult ? undefined : { code: "attempts_exhausted", message: "" },
  };
}

const fieldsOf = (views: readonly object[]) =>
  [...new Set(views.flatMap((view) => Object.keys(view)))].sort();

test("a job has the fields that the API writes, in each of its states", () => {
  const live = (["queued", "running", "waiting"] as const).map((state) =>
    parse<Job>(renderJob(full(state), undefined, estimate)),
  );
  const ended = terminalJobStates.map((state) => parse<EndedJob>(renderJob(full(state), Buffer.from("{}"))));
  const head = {
    id: true,
    object: true,
    status: true,
    model: true,
    endpoint: true,
    sla: true,
    priority: true,
    deadline: true,
    created_at: true,
    metadata: true,
    batch_id: true,
    custom_id: true,
    attempts: true,
    redriven_from: true,
  } as const;
  const liveFields: FieldsOf<Exclude<Job, EndedJob>> = {
    ...head,
    estimate: true,
    not_before: true,
    waiting_for: true,
  };
  const endedFields: FieldsOf<EndedJob> = {
    ...head,
    finished_at: true,
    target: true,
    usage: true,
    result: true,
    error: true,
    redriven_as: true,
    carried_from: true,
  };
  expect(fieldsOf(live)).toEqual(Object.keys(liveFields).sort());
  expect(fieldsOf(ended)).toEqual(Object.keys(endedFields).sort());
  expectTypeOf<FieldsOf<ListedJob>>().toEqualTypeOf<Omit<FieldsOf<Job>, "result">>();
  for (const job of ended) {
    if (job.status === "succeeded" || job.status === "failed") expect(job.result.body).toEqual({});
    else expect(job.error?.code).toBe("attempts_exhausted");
  }
  const [queued] = live;
  expect(queued?.status === "queued" && queued.estimate.p50_at).toBe(new Date(sampleMoment).toISOString());
  const accepted = parse<Job>(renderAccepted(sampleJob, estimate));
  expect(Object.keys(accepted).filter((field) => !Object.hasOwn(liveFields, field))).toEqual([]);
});

test("events, feedback and webhooks have the fields that the API writes", () => {
  const text = renderJobEvent(sampleJob.id, {
    number: 3,
    state: "running",
    at: sampleMoment,
    attempt: 1,
    targetId: "mini",
  });
  const eventFields: FieldsOf<JobEvent> = {
    id: true,
    object: true,
    type: true,
    job_id: true,
    status: true,
    at: true,
    attempt: true,
    target: true,
  };
  const data = parse<object>(/^data: (.*)$/m.exec(text)?.[1] ?? "");
  expect(fieldsOf([{ id: "3" }, data])).toEqual(Object.keys(eventFields).sort());

  const feedbackFields: FieldsOf<Feedback> = {
    object: true,
    job_id: true,
    score: true,
    labels: true,
    created_at: true,
  };
  const feedback = renderFeedback(sampleJob.id, { givenAt: sampleMoment, score: 1, labels: [] });
  expect(fieldsOf([feedback])).toEqual(Object.keys(feedbackFields).sort());

  const hookFields: FieldsOf<WebhookEvent> = {
    id: true,
    object: true,
    created_at: true,
    type: true,
    data: true,
  };
  const hook = renderWebhook({
    id: idFromUuid("event", sampleUuid),
    type: "job.succeeded",
    objectId: sampleJob.id,
    createdAt: sampleMoment,
  } as Parameters<typeof renderWebhook>[0]);
  expect(fieldsOf([parse(hook)])).toEqual(Object.keys(hookFields).sort());
});

test("a route has the fields that the API writes", () => {
  const decision = {
    candidates: [],
    order: [],
    signals: {},
    decidedAt: sampleMoment,
    heldBack: [{ target: "mini", limit: "concurrency", waitMs: 1 }],
  } as unknown as Decision;
  const fields: FieldsOf<Route> = {
    object: true,
    job_id: true,
    dry_run: true,
    model: true,
    chosen: true,
    order: true,
    candidates: true,
    rules: true,
    policy: true,
    picker: true,
    propensity: true,
    config_hash: true,
    decided_at: true,
    attempt: true,
    failed_targets: true,
    held_back: true,
    random: true,
    turn: true,
    signals: true,
  };
  const route = renderRoute(decision, { jobId: "job_1", model: "auto", dryRun: true }) as object;
  expect(fieldsOf([route])).toEqual(Object.keys(fields).sort());
});
