import { expect, test } from "vitest";
import { sampleJob } from "../../../../test/kit/samples.ts";
import { type JobRow, newRow } from "./job-row.ts";
import { readBacklog, samplesOf } from "./read-backlog.ts";

const now = 100_000;
const question = { now, overdueSince: now - 1_000, boundsMs: [0, 60_000], horizonsMs: [1_000, 5_000] };

function row(changes: Partial<JobRow["spec"]>, standing: Partial<JobRow> = {}): JobRow {
  const spec = { ...sampleJob, candidateSet: "a", acceptedAt: now - 500, effectiveDeadlineAt: now + 70_000 };
  return { ...newRow({ ...spec, tokens: 5, ...changes }, true), ...standing };
}

test("the backlog is summed by set, tenant and band of effective deadlines, what runs apart", () => {
  const rows = [
    row({}, { state: "waiting", waitingFor: "tokens" }),
    row({ effectiveDeadlineAt: now + 60_000, tokens: 2 }),
    row({ effectiveDeadlineAt: now - 1 }),
    row({}, { state: "running" }),
  ];
  const { sums } = readBacklog(rows, question);
  expect(sums).toMatchObject([
    { state: "waiting", earliestAt: now + 60_000, latestAt: now + 70_000, jobs: 2, tokens: 7, parked: 1 },
    { state: "waiting", latestAt: now - 1, jobs: 1 },
    { state: "running", jobs: 1, parked: 0 },
  ]);
});

test("jobs whose p95 has passed since the last reading are told by what was predicted of them", () => {
  const predicted = (p95At: number) => row({ estimate: { p50At: 1, p95At, waitMs: 7_000, serviceMs: 1 } });
  const { overdue } = readBacklog([now - 1_001, now - 1_000, now - 1, now].map(predicted), question);
  const told = { candidateSet: "a", waitMs: 5_000, leadMs: 5_000, jobs: 1 };
  expect(overdue).toEqual([told, told]);
});

test("one job stands for each set that is asked for", () => {
  const rows = [row({}), row({}), row({ candidateSet: "b" }), row({ candidateSet: "c" })];
  expect(samplesOf(rows, ["a", "c"]).map(({ candidateSet }) => candidateSet)).toEqual(["a", "c"]);
});
