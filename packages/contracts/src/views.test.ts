import { idFromUuid, type Job, noUsage } from "@sluice/domain";
import { assert, jsonValue, property } from "fast-check";
import { describe, expect, test } from "vitest";
import { sampleBatch, sampleJob, sampleMoment, sampleUuid as uuid } from "../../../test/kit/samples.ts";
import { renderAccepted, renderFile, renderJob, renderList } from "./views.ts";
import { renderWebhook } from "./webhook-event.ts";

const at = sampleMoment;
const job = sampleJob;

const ended = { finishedAt: at + 5_000, attempts: 1, targetId: "small-openai" };
const read = (view: Job, body?: Buffer) => JSON.parse(renderJob(view, body)) as Record<string, unknown>;

describe("a job", () => {
  test("is answered at once as it is read afterwards, but for its progress", () => {
    const estimate = { estimate: { p50At: at + 1, p95At: at + 2 }, atRisk: false };
    const accepted = JSON.parse(renderAccepted(job, estimate)) as Record<string, unknown>;
    const { attempts, ...later } = JSON.parse(renderJob(job, undefined, estimate)) as Record<string, unknown>;
    expect(later).toEqual(accepted);
    expect(attempts).toBe(0);
    expect(accepted).toMatchObject({
      id: job.id,
      object: "job",
      status: "queued",
      priority: 3,
      created_at: "2026-11-20T15:00:00.123Z",
      deadline: "2026-11-20T15:15:00.123Z",
      metadata: { a: "}" },
      estimate: {
        p50_at: "2026-11-20T15:00:00.124Z",
        p95_at: "2026-11-20T15:00:00.125Z",
        at_risk: false,
      },
    });
    expect(renderJob(job, undefined)).not.toContain("SECRET");
  });

  test("says until when it waits only while it does", () => {
    const notBeforeAt = at + 1_000;
    expect(read({ ...job, state: "waiting", notBeforeAt })).toMatchObject({
      not_before: "2026-11-20T15:00:01.123Z",
    });
    expect(read({ ...job, state: "running", notBeforeAt })).not.toHaveProperty("not_before");
    expect(read({ ...job, state: "waiting" })).not.toHaveProperty("not_before");
  });

  test("says what it waits for only while it is held for that", () => {
    const held = { notBeforeAt: at + 1_000, waitingFor: "target.concurrency" };
    expect(read({ ...job, state: "waiting", ...held })).toMatchObject({
      not_before: "2026-11-20T15:00:01.123Z",
      waiting_for: "target.concurrency",
    });
    expect(read({ ...job, state: "waiting", notBeforeAt: at })).not.toHaveProperty("waiting_for");
    expect(read({ ...job, state: "running", ...held })).not.toHaveProperty("waiting_for");
  });

  test("is valid JSON around any result, and carries that result", () => {
    assert(
      property(jsonValue(), (value) => {
        const body = Buffer.from(JSON.stringify(value, null, 1));
        const result = {
          statusCode: 200,
          contentType: "application/json",
          upstreamRequestId: undefined,
          body: job.body,
        };
        const view = read(
          { ...job, ...ended, state: "succeeded", result, usage: noUsage, costUsd: 0.5 },
          body,
        );
        expect(view).toMatchObject({ status: "succeeded", target: "small-openai", usage: { cost_usd: 0.5 } });
        expect(view["result"]).toEqual({ status_code: 200, body: JSON.parse(body.toString()) as unknown });
      }),
    );
  });

  test("is valid JSON around an answer that is none", () => {
    const result = {
      statusCode: 400,
      contentType: "application/json",
      upstreamRequestId: undefined,
      body: job.body,
    };
    for (const body of ["", "{", "<html>\n", "\ufffd"]) {
      const view = read({ ...job, ...ended, state: "failed", result }, Buffer.from(body));
      expect(view["result"]).toEqual({ status_code: 400, body });
    }
  });

  test("without a result says why it ended", () => {
    const failure = { code: "job_expired", message: "The deadline passed before the job could finish." };
    const view = read({ ...job, ...ended, targetId: undefined, state: "expired", failure });
    expect(view).toMatchObject({
      error: failure,
      usage: null,
      target: null,
      finished_at: "2026-11-20T15:00:05.123Z",
    });
    expect(view).not.toHaveProperty("result");
  });

  test("of a batch names its batch and line", () => {
    const batchLine = { batchId: idFromUuid("batch", uuid), line: 2, customId: "c" };
    expect(read({ ...job, batchLine })).toMatchObject({ batch_id: `batch_${uuid}`, custom_id: "c" });
    expect(read(job)).not.toHaveProperty("batch_id");
  });
});

test("a file has OpenAI's fields", () => {
  const content = { kind: "stored", key: "SECRET" } as const;
  const file = {
    id: "file-1",
    tenantId: job.tenantId,
    filename: "a.jsonl",
    purpose: "batch",
    bytes: 3,
    createdAt: at,
    content,
  } as const;
  expect(renderFile({ ...file, expiresAt: undefined })).toEqual({
    id: "file-1",
    object: "file",
    bytes: 3,
    created_at: Math.floor(at / 1000),
    filename: "a.jsonl",
    purpose: "batch",
    status: "processed",
  });
});

test("a list says whether there is more, and where its page begins and ends", () => {
  const items = ["a", "b", "c"].map((id) => ({ id }));
  expect(renderList(items, 2)).toEqual({
    object: "list",
    data: items.slice(0, 2),
    first_id: "a",
    last_id: "b",
    has_more: true,
  });
  expect(renderList(items, 3)).toMatchObject({ last_id: "c", has_more: false });
  expect(renderList([], 3)).toEqual({
    object: "list",
    data: [],
    first_id: null,
    last_id: null,
    has_more: false,
  });
});

test("a webhook names the object and how it ended, and is thin", () => {
  const event = {
    id: idFromUuid("event", uuid),
    tenantId: job.tenantId,
    type: "batch.completed",
    objectId: sampleBatch.id,
    createdAt: at,
  } as const;
  expect(JSON.parse(renderWebhook(event))).toEqual({
    id: `evt_${uuid}`,
    object: "event",
    created_at: Math.floor(at / 1000),
    type: "batch.completed",
    data: { id: sampleBatch.id, status: "completed" },
  });
});
