import { idFromUuid, type JobId, type JobState, type Target, tenantId } from "@sluice/domain";
import { specJob } from "@sluice/engine";
import { backoffMs, candidateTargets } from "@sluice/routing";
import type { Arrival } from "./arrival.ts";
import { letArrive, repeat } from "./drive.ts";
import { createJobBook } from "./job-book.ts";
import type { RunLog, Sample } from "./log.ts";
import { createRankedQueue } from "./ranked-queue.ts";
import {
  fieldsOf,
  noBody,
  type RunOptions,
  sampleEveryMs,
  seededIds,
  simulationStart,
} from "./run-options.ts";
import { seededRandom } from "./seeded-random.ts";
import { createModelledUpstream } from "./upstream/modelled-upstream.ts";
import { createVirtualClock } from "./virtual-clock.ts";

/** A job of the baseline's one queue. */
interface QueuedJob {
  readonly id: JobId;
  readonly arrival: Arrival;
  readonly targets: readonly Target[];
  /** When it is given up at the latest: at its deadline if that ends it. */
  readonly giveUpAt: number;
  readonly expires: boolean;
  /** Lower goes first. */
  readonly rank: number;
  tries: number;
}

/** What nothing else ends is given up so long after its deadline, since what never fits would be tried for ever. */
const patienceMs = 24 * 3_600_000;

/**
 * What a queue written by hand does with the same work: one queue in order of arrival, or by the deadline of the class
 * and then by arrival; the same number of slots; targets in turn; calls without asking anybody. What an upstream refuses
 * is tried again after an exponential backoff until it succeeds or its deadline has passed.
 */
export async function runBaseline(
  scheduler: "fifo" | "static-priority",
  options: RunOptions,
): Promise<RunLog> {
  const { config, seed, workers, concurrency } = options;
  const clock = createVirtualClock(simulationStart);
  const ids = seededIds(seed, clock);
  const random = seededRandom(seed, "backoff");
  const book = createJobBook(simulationStart);
  const upstream = createModelledUpstream({ config, clock, seed, startAt: simulationStart });
  const queue = createRankedQueue<QueuedJob>();
  const waiting: Record<string, number> = {};
  let free = workers * concurrency;
  let turn = 0;

  function accept(arrival: Arrival): void {
    const made = { id: idFromUuid("job", ids.uuid()), body: noBody, now: clock.now() };
    const spec = specJob(fieldsOf(arrival), config, made);
    const request = {
      ...spec,
      jobId: spec.id,
      tenant: tenantId(arrival.tenant),
      wishes: {},
      attempt: 1,
      failedTargets: [],
    };
    const { id, deadlineAt, onMiss } = spec;
    const rank = scheduler === "fifo" ? 0 : (config.slaClasses[spec.sla]?.deadlineMs ?? 0);
    const targets = candidateTargets(request, config, clock.now());
    book.open({ ...spec, arrival });
    const expires = onMiss === "expire";
    const giveUpAt = deadlineAt + (expires ? 0 : patienceMs);
    queue.add({ id, arrival, targets, giveUpAt, expires, rank, tries: 0 });
    wait(arrival.sla, 1);
    dispatch();
  }

  function wait(sla: string, change: number): void {
    waiting[sla] = (waiting[sla] ?? 0) + change;
  }

  function end(job: QueuedJob, state: JobState): void {
    book.ended(job.id, state, clock.now());
  }

  function dispatch(): void {
    while (free > 0) {
      const job = queue.take();
      if (job === undefined) return;
      wait(job.arrival.sla, -1);
      if (clock.now() >= job.giveUpAt) end(job, job.expires ? "expired" : "dead");
      else void work(job);
    }
  }

  async function work(job: QueuedJob): Promise<void> {
    const target = job.targets[turn % Math.max(1, job.targets.length)];
    turn += 1;
    if (target === undefined) return end(job, "dead");
    free -= 1;
    book.called(job.id, clock.now());
    const { kind } = await upstream.call(target, book.numberOf(job.id), job.arrival);
    free += 1;
    if (kind === "succeeded") end(job, "succeeded");
    else retry(job);
    dispatch();
  }

  function retry(job: QueuedJob): void {
    job.tries += 1;
    wait(job.arrival.sla, 1);
    clock.setTimer(backoffMs(job.tries, config.retry, random.next()), () => {
      queue.add(job);
      dispatch();
    });
  }

  const samples: Sample[] = [];
  const haveArrived = letArrive(clock, options.arrivals, accept);
  repeat(clock, sampleEveryMs, async () => {
    samples.push({
      at: clock.now() - simulationStart,
      waiting: { ...waiting },
      inFlight: upstream.inFlight(),
    });
  });
  await clock.run(() => haveArrived() && book.unfinished() === 0);
  return {
    scheduler,
    jobs: book.records,
    calls: upstream.calls,
    samples,
    endedAt: clock.now() - simulationStart,
  };
}
