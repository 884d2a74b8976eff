import { idFromUuid, type JobId, type JobSpec, type JobState } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { feedConformance, type Standing } from "../../../../test/kit/feed-conformance.ts";
import { sampleJob, sampleMoment } from "../../../../test/kit/samples.ts";
import { seededIds } from "../run-options.ts";
import { createMemoryLedger } from "./memory-ledger.ts";

const workerId = idFromUuid("worker", "0198f3a0-0000-7000-8000-000000000001");

function setup() {
  const ends: [JobId, JobState, number][] = [];
  const ledger = createMemoryLedger((...end) => void ends.push(end));
  const ids = seededIds(1, { now: () => sampleMoment });
  function accept(changes: Partial<JobSpec> = {}, laned = true): JobSpec {
    const spec = { ...sampleJob, id: idFromUuid("job", ids.uuid()), ...changes };
    ledger.accept(spec, laned);
    return spec;
  }
  return { ledger, accept, ends };
}

const startOf = (jobId: JobId, fromEpoch = 0) => ({ jobId, fromEpoch, workerId }) as never;
const settlement = (jobId: JobId, next: object, epoch = 1) =>
  ({ jobId, epoch, workerId, targetId: "t", endedAt: 7, next }) as never;

feedConformance("the simulated ledger", async () => {
  const { ledger, accept } = setup();
  async function put(standing: Standing, changes: Partial<JobSpec> = {}) {
    const spec = accept(changes, standing.kind !== "unfed");
    if (standing.kind === "running") await ledger.startAttempts([startOf(spec.id)]);
    if (standing.kind === "parked" || standing.kind === "retry") {
      const waitingFor = standing.kind === "parked" ? "tokens" : undefined;
      await ledger.recordWaits([{ jobId: spec.id, epoch: 0, notBeforeAt: standing.at, waitingFor } as never]);
    }
    return spec;
  }
  return { ledger, put, epoch: 1 };
});

describe("the simulated ledger", () => {
  test("starts a job once for each epoch", async () => {
    const { ledger, accept } = setup();
    const { id } = accept();
    expect(await ledger.startAttempts([startOf(id), startOf(id)])).toEqual([
      { kind: "started", epoch: 1 },
      { kind: "lost" },
    ]);
    expect(await ledger.load([id])).toMatchObject([
      { state: "running", epoch: 1, attempts: 1, ownerAlive: true },
    ]);
  });

  test("records a retry with or without an attempt spent, and fences what is not its epoch", async () => {
    const { ledger, accept, ends } = setup();
    const { id } = accept();
    await ledger.startAttempts([startOf(id)]);
    const retry = { kind: "wait", notBeforeAt: 9, spentAttempt: false, avoidTarget: true };
    expect(await ledger.settle([settlement(id, retry, 2), settlement(id, retry)])).toMatchObject([
      { kind: "fenced" },
      { kind: "recorded" },
    ]);
    expect(await ledger.load([id])).toMatchObject([
      { state: "waiting", attempts: 0, notBeforeAt: 9, failedTargets: ["t"], ownerAlive: false },
    ]);
    await ledger.startAttempts([startOf(id, 1)]);
    await ledger.settle([settlement(id, { kind: "end", state: "succeeded" }, 2)]);
    expect(ends).toEqual([[id, "succeeded", 7]]);
    expect(await ledger.load([id])).toEqual([]);
  });

  test("ends jobs that do not run, also those that nothing can serve", async () => {
    const { ledger, accept, ends } = setup();
    const [dying, running] = [accept(), accept()];
    await ledger.startAttempts([startOf(running.id)]);
    const dead = (jobId: JobId) => ({ jobId, fromEpoch: 0, state: "dead", endedAt: 3 }) as never;
    expect(await ledger.endUnstarted([dead(dying.id), dead(running.id)])).toMatchObject([
      { kind: "recorded" },
      { kind: "fenced" },
    ]);
    expect(ends).toEqual([[dying.id, "dead", 3]]);
  });

  test("expires at their deadlines jobs that are to expire and do not run, fed or not", async () => {
    const { ledger, accept, ends } = setup();
    const late = { deadlineAt: sampleMoment };
    const [unfed, laned, running] = [accept(late, false), accept(late), accept(late)];
    accept({ ...late, onMiss: "best_effort" });
    accept({ deadlineAt: sampleMoment + 1 });
    await ledger.startAttempts([startOf(running.id)]);
    ledger.expire(sampleMoment);
    expect(ends).toEqual([unfed, laned].map(({ id }) => [id, "expired", sampleMoment]));
    expect(ledger.waiting()).toEqual({ standard: 2 });
    expect(await ledger.unfedWindows(sampleMoment)).toEqual([]);
  });
});
