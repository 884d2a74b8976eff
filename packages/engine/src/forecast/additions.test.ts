import { tenantId } from "@sluice/domain";
import { expect, test } from "vitest";
import { createFakeClock } from "../../../../test/kit/fakes/fake-clock.ts";
import { sampleJob } from "../../../../test/kit/samples.ts";
import { createAdditions } from "./additions.ts";

function setup() {
  const clock = createFakeClock();
  const additions = createAdditions(clock);
  const job = (tokens: number, afterMs = 0, candidateSet = "set") => ({
    ...sampleJob,
    tokens,
    candidateSet,
    effectiveDeadlineAt: clock.now() + 60_000 + afterMs,
  });
  return { additions, clock, job };
}

test("a job counts for its tenant, and for those of its set whose deadline is not earlier by a second", () => {
  const { additions, job } = setup();
  const first = additions.add(job(5));
  additions.add(job(7, 10_000));
  additions.add(job(11, 0, "other"));
  const sums = () => [
    additions.before(job(1)),
    additions.before(job(1, 10_000)),
    additions.before(job(1, -1_000)),
    additions.tokensOf(sampleJob.tenantId),
    additions.jobs(),
  ];
  expect(sums()).toEqual([5, 12, 0, 23, 3]);
  expect(additions.tokensOf(tenantId("nobody"))).toBe(0);
  first.dropped();
  first.dropped();
  expect(sums()).toEqual([0, 7, 0, 18, 2]);
});

test("a snapshot takes the place of what was committed before it, and of nothing else", async () => {
  const { additions, clock, job } = setup();
  const [old, young] = [additions.add(job(1)), additions.add(job(2))];
  additions.add(job(4));
  old.committed();
  await clock.advance(10);
  young.committed();
  additions.drop(clock.now());
  expect([additions.jobs(), additions.before(job(1))]).toEqual([2, 6]);
  // Without snapshots what was committed is not kept for ever; what is under way is.
  await clock.advance(130_000);
  additions.add(job(8));
  expect([additions.jobs(), additions.tokensOf(sampleJob.tenantId)]).toEqual([2, 12]);
});
