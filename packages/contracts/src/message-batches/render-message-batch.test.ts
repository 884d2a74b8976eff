import type { Batch, BatchStatus } from "@sluice/domain";
import { expect, test } from "vitest";
import { sampleBatch } from "../../../../test/kit/samples.ts";
import { messageResultsUrl, renderMessageBatch } from "./render-message-batch.ts";

const counts = {
  ...sampleBatch.counts,
  total: 10,
  succeeded: 3,
  failed: 1,
  dead: 1,
  cancelled: 2,
  expired: 3,
};
const render = (changes: Partial<Batch>) =>
  renderMessageBatch({ ...sampleBatch, counts, ...changes }, "https://x/y");

const processing = { processing: 10, succeeded: 0, errored: 0, canceled: 0, expired: 0 };
const told = { processing: 0, succeeded: 3, errored: 2, canceled: 2, expired: 3 };

test.each<[BatchStatus, string, object, string | null]>([
  ["validating", "in_progress", processing, null],
  ["in_progress", "in_progress", processing, null],
  ["finalizing", "in_progress", processing, null],
  ["cancelling", "canceling", processing, null],
  ["completed", "ended", told, "https://x/y"],
  ["expired", "ended", told, "https://x/y"],
  ["cancelled", "ended", told, "https://x/y"],
  ["failed", "ended", told, "https://x/y"],
])(
  "one that is %s is %s to Anthropic's clients",
  (status, processing_status, request_counts, results_url) => {
    expect(render({ status })).toMatchObject({ processing_status, request_counts, results_url });
  },
);

test("counts add up to all requests also when they never became jobs", () => {
  const none = { ...sampleBatch.counts, total: 10 };
  expect(render({ status: "failed", counts: none }).request_counts).toMatchObject({
    errored: 10,
    canceled: 0,
  });
  expect(render({ status: "cancelled", counts: none }).request_counts).toMatchObject({
    errored: 0,
    canceled: 10,
  });
});

test("times are RFC 3339, and null as long as they have not come", () => {
  const at = Date.UTC(2026, 10, 28, 12, 30, 15, 7);
  expect(
    render({ status: "cancelled", createdAt: at, cancellingAt: at + 1, cancelledAt: at + 2 }),
  ).toMatchObject({
    created_at: "2026-11-28T12:30:15.007Z",
    cancel_initiated_at: "2026-11-28T12:30:15.008Z",
    ended_at: "2026-11-28T12:30:15.009Z",
    archived_at: null,
  });
  expect(render({ status: "in_progress" })).toMatchObject({ ended_at: null, cancel_initiated_at: null });
});

test("the URL of results stands below the public address, however that ends", () => {
  const path = `/v1/messages/batches/${sampleBatch.id.replace("batch_", "msgbatch_")}/results`;
  for (const base of ["https://example.com/sluice", "https://example.com/sluice/"])
    expect(messageResultsUrl(base, sampleBatch)).toBe(`https://example.com/sluice${path}`);
});
