import { isTerminal, type JobToRun, type Outcome } from "@sluice/domain";
import {
  type Arbitrary,
  array,
  assert,
  asyncProperty,
  constantFrom,
  integer,
  oneof,
  record,
  tuple,
} from "fast-check";
import { expect, test } from "vitest";
import { setupWorker } from "../../../test/kit/fakes/worker-setup.ts";
import { sampleTarget } from "../../../test/kit/samples.ts";

type Worker = Awaited<ReturnType<typeof setupWorker>>;
/** Something that happens to a worker and its stores. */
interface Happening {
  /** For the report of a counterexample. */
  readonly name: string;
  readonly run: (worker: Worker) => void | Promise<void>;
}

const answer = {
  statusCode: 200,
  contentType: "application/json",
  body: Buffer.alloc(70_000, " "),
  requestId: undefined,
};
const timed = { latencyMs: 5, sentAfterMs: 1 };
const success: Outcome = { kind: "succeeded", answer, usage: undefined, ...timed };

const outcome: Arbitrary<Outcome> = constantFrom<Outcome>(
  success,
  { kind: "refused", answer: { ...answer, statusCode: 400 }, ...timed },
  { kind: "throttled", statusCode: 429, retryAfterMs: 700, ...timed },
  { kind: "overloaded", statusCode: 503, retryAfterMs: undefined, ...timed },
  { kind: "unreachable", reason: "reset", latencyMs: 1 },
  { kind: "aborted", reason: "shutdown", ...timed },
  { kind: "misconfigured", statusCode: 401, ...timed },
);

const ledgerFault = tuple(
  constantFrom("load", "startAttempts", "settle", "endUnstarted", "renewLease", "register"),
  integer({ min: 1, max: 6 }),
  constantFrom("before", "after"),
).map(
  ([method, times, moment]): Happening => ({
    name: `${method} fails ${times} times ${moment} its effect`,
    run: ({ ledger }) => ledger.faults.arm(method, times, moment),
  }),
);

const capacityFault = constantFrom("reserve", "signals", "observe").map(
  (method): Happening => ({ name: `${method} fails`, run: ({ capacity }) => capacity.faults.arm(method) }),
);

const otherFault: Arbitrary<Happening> = constantFrom<Happening>(
  { name: "read fails", run: ({ files }) => files.faults.arm("read") },
  { name: "put fails", run: ({ files }) => files.faults.arm("put") },
  { name: "dead letters fail", run: ({ deadLetters }) => deadLetters.faults.arm("add") },
  { name: "deliveries fail", run: ({ deliveries }) => deliveries.faults.arm("add") },
  { name: "the lease is over", run: ({ ledger }) => ledger.leases.clear() },
  { name: "frozen for 25 s", run: ({ clock }) => clock.freeze(25_000) },
  {
    name: "one is full",
    run: ({ capacity }) => void capacity.full.set("one", { limit: "tokens", waitMs: 300 }),
  },
  { name: "nothing is full", run: ({ capacity }) => capacity.full.clear() },
);

const call = outcome.map(
  (result): Happening => ({
    name: `a call ends ${result.kind}`,
    run: ({ models }) => void models.script.push(result),
  }),
);

const lateCall = outcome.map(
  (result): Happening => ({
    name: `a call ends ${result.kind} after the dispatcher gave its job away`,
    run: ({ models, ledger }) => {
      models.script.push(() => {
        ledger.leases.clear();
        ledger.returnOrphans();
        return result;
      });
    },
  }),
);

const happening = oneof(ledgerFault, capacityFault, otherFault, call, call, lateCall);
const job = record({
  onMiss: constantFrom("expire", "best_effort"),
  onAmbiguous: constantFrom("retry", "fail"),
  lasts: integer({ min: 1, max: 90_000 }),
});

/** Claims a job once, as its lane would, and lets the dispatcher do its part. */
async function claim(worker: Worker, claimed: JobToRun): Promise<void> {
  const verdict = await worker
    .run(claimed)
    .catch(() => ({ kind: "later", at: worker.clock.now() + 2_000 }) as const);
  if (verdict.kind === "later") await worker.clock.advance(Math.max(0, verdict.at - worker.clock.now()));
  worker.ledger.returnOrphans();
}

test("every job ends exactly once, and no room stays taken, whatever fails on the way", async () => {
  await assert(
    asyncProperty(
      array(happening, { maxLength: 15 }),
      job,
      async (happenings, { onMiss, onAmbiguous, lasts }) => {
        const worker = await setupWorker({ targets: [sampleTarget("one"), sampleTarget("two")] });
        const stored = await worker.files.put(Buffer.from('{"model":"auto"}'));
        const deadlineAt = worker.clock.now() + lasts;
        const body = { kind: "stored", key: stored.key, size: stored.bytes } as const;
        const put = worker.ledger.put({
          onMiss,
          onAmbiguous,
          deadlineAt,
          body,
          webhookUrl: "https://example.com/",
        });
        for (const happens of happenings) {
          await happens.run(worker);
          if (!isTerminal(worker.ledger.at(put.id).state)) await claim(worker, put);
        }
        worker.capacity.full.clear();
        for (let round = 0; round < 200 && !isTerminal(worker.ledger.at(put.id).state); round += 1) {
          worker.models.script.push(success);
          await claim(worker, put);
        }
        const ends =
          worker.ledger.settlements.filter(({ next }) => next.kind === "end").length +
          worker.ledger.ends.length;
        expect([isTerminal(worker.ledger.at(put.id).state), ends]).toEqual([true, 1]);
        expect(worker.capacity.open.size).toBe(0);
      },
    ),
    { numRuns: 150 },
  );
});
