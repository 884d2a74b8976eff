import { expect, test } from "vitest";
import { judgeRun } from "./judge-run.ts";
import type { RunRecord } from "./run-record.ts";
import type { Rule } from "./violation.ts";

const price = { input: 1e-6, output: 4e-6 };
const outcome = { batchId: null, state: "succeeded", inputTokens: 10, outputTokens: 5, costUsd: 30e-6 };
const answered = { status: 200, inputTokens: 10, outputTokens: 5 };

/** Two jobs, one of them a line of a batch; job_b was called twice because its first worker died. */
const sound: RunRecord = {
  promised: ["job_a", "job_b"],
  calls: [
    { jobId: "job_a", ...answered },
    { jobId: "job_b", ...answered, status: 499 },
    { jobId: "job_b", ...answered },
  ],
  callsDropped: 0,
  served: [
    { jobId: "job_a", state: "succeeded", digest: "1" },
    { jobId: "job_a", state: "succeeded", digest: "1" },
  ],
  webhooks: [
    { webhookId: "evt_a", type: "job.succeeded", objectId: "job_a" },
    { webhookId: "evt_a", type: "job.succeeded", objectId: "job_a" },
  ],
  ledger: {
    jobs: ["job_a", "job_b"],
    unfinished: [],
    outcomes: [
      { jobId: "job_a", ...outcome },
      { jobId: "job_b", ...outcome, batchId: "batch_1" },
    ],
    attempts: [
      { jobId: "job_a", epoch: 1, outcome: "succeeded" },
      { jobId: "job_b", epoch: 1, outcome: "lost" },
      { jobId: "job_b", epoch: 2, outcome: "succeeded" },
    ],
    deliveries: [{ eventId: "evt_a", objectId: "job_a", type: "job.succeeded", state: "succeeded" }],
  },
  batches: [
    {
      id: "batch_1",
      status: "completed",
      total: 1,
      completed: 1,
      failed: 0,
      inputTokens: 10,
      outputTokens: 5,
      costUsd: 30e-6,
    },
  ],
  price,
  leftBehind: [],
};
const bounds = { duplicateCalls: 1, told: ["job_a"] };
const { ledger } = sound;
const [batch] = sound.batches;
if (batch === undefined) throw new Error("no batch");

test("a run in which a worker died and nothing was lost is sound", () => {
  expect(judgeRun(sound, bounds)).toEqual({
    violations: [],
    lost: 0,
    duplicatedOutcomes: 0,
    duplicateCalls: 1,
  });
});

test("a delivery that was given up need not have arrived", () => {
  const deliveries = ledger.deliveries.map((delivery) => ({ ...delivery, state: "given_up" }));
  const run = { ...sound, webhooks: [], ledger: { ...ledger, deliveries } };
  expect(judgeRun(run, bounds).violations).toEqual([]);
});

const planted: readonly (readonly [Rule, string, Partial<RunRecord>])[] = [
  [
    "every 202 has an outcome",
    "a promised job the ledger does not know",
    { promised: ["job_a", "job_b", "job_c"] },
  ],
  ["every 202 has an outcome", "a job that never ended", { ledger: { ...ledger, unfinished: ["job_b"] } }],
  [
    "no job without a 202",
    "a job made twice for one call",
    { ledger: { ...ledger, jobs: [...ledger.jobs, "job_c"] } },
  ],
  [
    "one outcome for each job",
    "a second outcome",
    { ledger: { ...ledger, outcomes: [...ledger.outcomes, { jobId: "job_a", ...outcome }] } },
  ],
  [
    "one result is served for each job",
    "another result at a later reading",
    { served: [...sound.served, { jobId: "job_a", state: "succeeded", digest: "2" }] },
  ],
  [
    "one result is served for each job",
    "another state at a later reading",
    { served: [...sound.served, { jobId: "job_a", state: "dead", digest: "1" }] },
  ],
  ["the upstream's log is whole", "calls fell out of the ring", { callsDropped: 3 }],
  [
    "every call belongs to an attempt",
    "a call nobody wrote down",
    { calls: [...sound.calls, { jobId: "job_a", ...answered, status: 500 }] },
  ],
  [
    "every attempt has an ending",
    "an attempt left open",
    { ledger: { ...ledger, attempts: [...ledger.attempts, { jobId: "job_a", epoch: 2, outcome: null }] } },
  ],
  [
    "duplicate calls stay within the bound",
    "one paid call too many",
    {
      calls: [...sound.calls, { jobId: "job_a", ...answered }],
      ledger: { ...ledger, attempts: [...ledger.attempts, { jobId: "job_a", epoch: 2, outcome: "fenced" }] },
    },
  ],
  [
    "every duplicate call is written down",
    "both attempts say that theirs is the result",
    {
      ledger: {
        ...ledger,
        attempts: ledger.attempts.map((attempt) => ({ ...attempt, outcome: "succeeded" })),
      },
    },
  ],
  ["every ending is told or given up", "a delivery that did not arrive", { webhooks: [] }],
  [
    "every ending is told or given up",
    "an ending without an event",
    { ledger: { ...ledger, deliveries: [] } },
  ],
  [
    "an event keeps its one id",
    "told again under a new id",
    { webhooks: [...sound.webhooks, { webhookId: "evt_b", type: "job.succeeded", objectId: "job_a" }] },
  ],
  [
    "batches count what happened",
    "a line counted twice",
    { batches: [{ ...batch, total: 2, completed: 2 }] },
  ],
  ["batches count what happened", "usage of another line", { batches: [{ ...batch, outputTokens: 6 }] }],
  ["batches count what happened", "spend counted twice", { batches: [{ ...batch, costUsd: 60e-6 }] }],
  [
    "batches count what happened",
    "a batch that did not complete",
    { batches: [{ ...batch, status: "expired" }] },
  ],
  [
    "usage is what the upstream counted",
    "tokens the upstream never said",
    { calls: sound.calls.map((call) => ({ ...call, outputTokens: 6 })) },
  ],
  ["spend is usage at the price", "another price", { price: { input: 1e-6, output: 5e-6 } }],
  ["nothing is left behind", "a reservation", { leftBehind: ["a reservation of worker_1"] }],
];

test.each(planted)("%s: it sees %s, and nothing else", (rule, _what, change) => {
  const { violations } = judgeRun({ ...sound, ...change }, bounds);
  expect([...new Set(violations.map((violation) => violation.rule))]).toEqual([rule]);
});
