import { idFromUuid, type JobId, type Verdict } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { seededIds } from "../run-options.ts";
import { createVirtualClock } from "../virtual-clock.ts";
import { createMemoryLanes } from "./memory-lanes.ts";

const bucketMs = 10_000;
const finished: Verdict = { kind: "done", reference: "" };

/** Lanes whose jobs take 100 ms each; `verdicts` says how the runs of a job end before it is done. */
function setup(shape: { workers?: number; concurrency?: number } = {}) {
  const clock = createVirtualClock(1_000_000);
  const ids = seededIds(1, clock);
  const names = new Map<JobId, string>();
  const verdicts = new Map<JobId, Verdict[]>();
  const runs: string[] = [];
  const lanes = createMemoryLanes({
    clock,
    workers: 1,
    concurrency: 1,
    ...shape,
    async run(jobId, worker) {
      runs.push(`${names.get(jobId)}@${clock.now() - 1_000_000} w${worker}`);
      await new Promise<void>((resolve) => void clock.setTimer(100, resolve));
      return verdicts.get(jobId)?.shift() ?? finished;
    },
  });
  function pointer(name: string, urgency: number, model = "auto") {
    const jobId = idFromUuid("job", ids.uuid());
    names.set(jobId, name);
    return { jobId, model, effectiveDeadlineAt: clock.now() + urgency * bucketMs, notBeforeAt: undefined };
  }
  return { clock, lanes, runs, verdicts, pointer, finish: () => clock.run(() => false) };
}

describe("the simulated lanes", () => {
  test("run the most urgent first, those of one bucket in order of coming, as many at once as there are slots", async () => {
    const { lanes, runs, pointer, finish } = setup({ workers: 2 });
    lanes.add([pointer("late", 9), pointer("b", 3), pointer("c", 3), pointer("first", 1)]);
    await finish();
    expect(runs).toEqual(["first@0 w0", "b@0 w1", "c@100 w0", "late@100 w1"]);
  });

  test("give each lane slots of its own", async () => {
    const { lanes, runs, pointer, finish } = setup();
    lanes.add([pointer("a", 1), pointer("b", 1, "other")]);
    await finish();
    expect(runs).toEqual(["a@0 w0", "b@0 w0"]);
  });

  test("take a pointer once, and again when its job has finished", async () => {
    const { lanes, runs, pointer, finish } = setup({ concurrency: 4 });
    const one = pointer("a", 1);
    lanes.add([one, one]);
    lanes.add([one]);
    await finish();
    lanes.add([one]);
    await finish();
    expect(runs).toEqual(["a@0 w0", "a@100 w0"]);
  });

  test("hold back a pointer that is to come later without holding a slot, and keep its urgency", async () => {
    const { lanes, runs, verdicts, pointer, finish, clock } = setup();
    const [held, other, calm] = [pointer("held", 1), pointer("other", 2), pointer("calm", 9)];
    verdicts.set(held.jobId, [{ kind: "later", at: clock.now() + 150 }]);
    lanes.add([held, other, calm]);
    await finish();
    expect(runs).toEqual(["held@0 w0", "other@100 w0", "held@200 w0", "calm@300 w0"]);
  });

  test("let go of those that are woken, and say who is in hand and who is gone", async () => {
    const { lanes, runs, verdicts, pointer, finish, clock } = setup();
    const [held, running, gone] = [pointer("held", 1), pointer("running", 2), pointer("gone", 3)];
    verdicts.set(held.jobId, [{ kind: "later", at: clock.now() + 60_000 }]);
    lanes.add([held, running]);
    let answer: unknown;
    clock.setTimer(150, () => {
      const ids = [held, running, gone].map(({ jobId }) => jobId);
      void lanes.wake("auto", ids).then((said) => {
        answer = said;
      });
    });
    await finish();
    expect(answer).toEqual({ inHand: [running.jobId], gone: [gone.jobId] });
    expect(runs).toEqual(["held@0 w0", "running@100 w0", "held@200 w0"]);
  });
});
