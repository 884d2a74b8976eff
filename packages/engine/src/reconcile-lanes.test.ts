import { idFromUuid, type JobId, type LiveJob } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { createMemoryLanes } from "../../../test/kit/fakes/memory-lanes.ts";
import { createCountingIds, createRecordingLogger } from "../../../test/kit/fakes/records.ts";
import { reconcileLanes, returnUnlocked } from "./reconcile-lanes.ts";

function setup() {
  const lanes = createMemoryLanes();
  const ids = createCountingIds();
  const logger = createRecordingLogger();
  const live: LiveJob[] = [];
  const ledger = {
    async liveLaned({ after, limit }: { after?: LiveJob | undefined; limit: number }) {
      return live.filter(({ jobId }) => after === undefined || jobId > after.jobId).slice(0, limit);
    },
    findLive: async (wanted: readonly JobId[]) => live.filter(({ jobId }) => wanted.includes(jobId)),
  };
  function job(changes: Partial<LiveJob> = {}): LiveJob {
    const jobId = idFromUuid("job", ids.uuid());
    const plain = { model: "auto", candidateSet: "set", effectiveDeadlineAt: 7, ownerAlive: false } as const;
    return { jobId, ...plain, state: "queued", ...changes };
  }
  function jobs(count: number, changes?: Partial<LiveJob>) {
    return Array.from({ length: count }, () => job(changes));
  }
  return { lanes, logger, live, job, jobs, ports: { ledger, lanes, logger } };
}

const running = { state: "running", ownerAlive: true } as const;
const orphaned = { state: "running", ownerAlive: false } as const;

describe("reconcileLanes", () => {
  test("puts back every live job whose pointer is gone, whatever the number", async () => {
    const { ports, live, lanes, jobs } = setup();
    live.push(...jobs(1_500), ...jobs(700, { model: "other" }), ...jobs(1));
    await lanes.add(live.slice(100, 200));
    expect(await reconcileLanes(ports)).toBe(2_101);
    expect(lanes.waiting.size).toBe(2_201);
    expect(await reconcileLanes(ports)).toBe(0);
  });

  test("looks through whole pages without missing the last", async () => {
    const { ports, live, jobs } = setup();
    live.push(...jobs(2_000));
    expect(await reconcileLanes(ports)).toBe(2_000);
  });

  test("keeps deadline and delay of a job that is put back", async () => {
    const { ports, live, lanes, job } = setup();
    const waiting = job({ state: "waiting", effectiveDeadlineAt: 99, notBeforeAt: 1_234 });
    live.push(waiting);
    await reconcileLanes(ports);
    expect(lanes.waiting.get(waiting.jobId)).toMatchObject({
      model: "auto",
      effectiveDeadlineAt: 99,
      notBeforeAt: 1_234,
    });
  });

  test("leaves jobs alone that a living worker runs, and puts back those of a dead one", async () => {
    const { ports, live, lanes, job } = setup();
    const [alive, orphan] = [job(running), job(orphaned)];
    live.push(alive, orphan);
    expect(await reconcileLanes(ports)).toBe(1);
    expect([...lanes.waiting.keys()]).toEqual([orphan.jobId]);
  });

  test("touches nothing when nothing is missing", async () => {
    const { ports, live, lanes, jobs, logger } = setup();
    live.push(...jobs(3));
    await lanes.add(live);
    expect(await reconcileLanes(ports)).toBe(0);
    expect(lanes.calls.map(({ method }) => method)).toEqual(["add", "missing"]);
    expect(logger.entries).toEqual([]);
  });

  test("rebuilds everything after Redis has lost it", async () => {
    const { ports, live, lanes, jobs } = setup();
    live.push(...jobs(10));
    await lanes.add(live);
    lanes.flush();
    expect(await reconcileLanes(ports)).toBe(10);
  });
});

describe("returnUnlocked", () => {
  /** A job whose pointer counts as active. */
  function active(bundle: ReturnType<typeof setup>, changes: Partial<LiveJob>, locked = false) {
    const job = bundle.job(changes);
    bundle.lanes.active.set(job.jobId, job);
    if (locked) bundle.lanes.locked.add(job.jobId);
    return job;
  }

  test("puts back what nobody works on, with its own deadline", async () => {
    const bundle = setup();
    const job = active(bundle, { state: "waiting", effectiveDeadlineAt: 55, notBeforeAt: 60 });
    bundle.live.push(job);
    expect(await returnUnlocked(bundle.ports, ["auto"])).toBe(1);
    expect(bundle.lanes.active.size).toBe(0);
    expect(bundle.lanes.waiting.get(job.jobId)).toEqual({
      jobId: job.jobId,
      model: "auto",
      effectiveDeadlineAt: 55,
      notBeforeAt: 60,
    });
  });

  test("drops the pointers of jobs that have ended or are not known", async () => {
    const bundle = setup();
    const ended = active(bundle, { state: "succeeded" });
    bundle.live.push(ended);
    active(bundle, {});
    expect(await returnUnlocked(bundle.ports, ["auto"])).toBe(0);
    expect([bundle.lanes.active.size, bundle.lanes.waiting.size]).toEqual([0, 0]);
  });

  test("leaves what is locked, and what a living worker runs without a lock", async () => {
    const bundle = setup();
    bundle.live.push(active(bundle, { state: "queued" }, true), active(bundle, running));
    expect(await returnUnlocked(bundle.ports, ["auto"])).toBe(0);
    expect(bundle.lanes.active.size).toBe(2);
  });

  test("looks at the given lanes only", async () => {
    const bundle = setup();
    bundle.live.push(active(bundle, { model: "other" }));
    expect(await returnUnlocked(bundle.ports, ["auto"])).toBe(0);
    expect(await returnUnlocked(bundle.ports, ["auto", "other"])).toBe(1);
  });
});
