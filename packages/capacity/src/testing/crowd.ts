import type { Capacity, ParkedJob, Refusal, ReserveRequest, TargetLimits } from "@sluice/domain";
import { tenantId } from "@sluice/domain";
import { sampleTarget } from "../../../../test/kit/samples.ts";
import { requestOf } from "../../../../test/kit/waiting-conformance.ts";
import { createCapacity, createInMemoryCapacity } from "../index.ts";
import { connectTestRedis, warmUp } from "./setup.ts";
import { createTestClock, testIds } from "./values.ts";

/** For tests: a job of a crowd; its number is its place in the list. */
export interface CrowdJob {
  readonly urgency: number;
  readonly output: number;
  readonly latencyMs: number;
  /** Real output over the expected one. */
  readonly share: number;
  /** After the start; 0 when absent. */
  readonly arrivesMs?: number;
  readonly tenant?: string;
  readonly weight?: number;
  readonly model?: string;
}

/** For tests: what is so once all who have room at one moment have come. */
export interface CrowdMoment {
  /** Tokens given to each tenant so far, corrected by what was taken in truth. */
  readonly tokens: ReadonlyMap<string, number>;
  /** Parked jobs by tenant. */
  readonly waiting: ReadonlyMap<string, number>;
}

export type OpenCapacity = (
  clock: ReturnType<typeof createTestClock>,
  onRoom: (jobs: readonly ParkedJob[]) => void,
) => Promise<Capacity>;

/** For tests: capacity in an emptied Redis. */
export const openInRedis: OpenCapacity = async (clock, onRoom) => {
  const redis = connectTestRedis();
  await redis.flushall();
  const capacity = createCapacity({ redis, clock, ids: testIds, onRoom, timeSource: () => clock.now() });
  await warmUp(capacity);
  return capacity;
};

/** For tests: capacity in memory. */
export const openInMemory: OpenCapacity = async (clock, onRoom) =>
  createInMemoryCapacity({ clock, ids: testIds, onRoom });

export interface CrowdOptions {
  readonly limits: TargetLimits;
  /** What the crowd asks; capacity in Redis when absent. */
  readonly open?: OpenCapacity;
  /** Called before time moves; `false` ends the run. */
  readonly onMoment?: (moment: CrowdMoment) => boolean;
}

/** For tests: runs jobs on one target; wakes and timers bring them back. */
export async function runCrowd(
  jobs: readonly CrowdJob[],
  { limits, onMoment, open = openInRedis }: CrowdOptions,
) {
  const clock = createTestClock();
  const startedAt = clock.now();
  const agenda: { at: number; run: () => Promise<void> }[] = [];
  const timers = new Map<number, number>();
  const waiters = new Set<number>();
  const woken: ParkedJob[] = [];
  const onRoom = (parked: readonly ParkedJob[]) => void woken.push(...parked);
  const capacity = await open(clock, onRoom);
  const target = sampleTarget("crowded", { limits });
  const counts = { reserves: 0, parks: 0 };
  const order: number[] = [];
  const tokens = new Map<string, number>();

  function give(tenant: string, amount: number): void {
    tokens.set(tenant, (tokens.get(tenant) ?? 0) + amount);
  }

  function jobAt(n: number): Required<CrowdJob> {
    const job = jobs[n];
    if (job === undefined) throw new Error(`no job ${n}`);
    return { arrivesMs: 0, tenant: "t1", weight: 1, model: "auto", ...job };
  }

  function requestFor(n: number): ReserveRequest & { turn: NonNullable<ReserveRequest["turn"]> } {
    const { tenant, weight, model, urgency, output } = jobAt(n);
    const request = requestOf(n, target, {
      outputTokens: output,
      tenant: { id: tenantId(tenant), limits: {} },
    });
    if (request.turn === undefined) throw new Error("no turn");
    return { ...request, turn: { ...request.turn, weight, model, effectiveDeadlineAt: urgency } };
  }

  async function ask(n: number): Promise<void> {
    timers.delete(n);
    waiters.delete(n);
    const { tenant, latencyMs, output, share } = jobAt(n);
    const request = requestFor(n);
    counts.reserves += 1;
    const answer = await capacity.reserve(request);
    if (answer.kind === "granted") {
      order.push(n);
      give(tenant, 10 + output);
      const real = { inputTokens: 10, outputTokens: Math.ceil(output * share), costUsd: 0, sentAfterMs: 0 };
      agenda.push({
        at: clock.now() + latencyMs,
        run: async () => {
          give(tenant, real.outputTokens - output);
          await capacity.observe(target.id, { latencyMs, ok: true });
          await capacity.settle(answer.reservation, real);
        },
      });
      return;
    }
    counts.parks += 1;
    const refusal: Refusal = { request, limit: answer.limit, waitMs: answer.waitMs };
    const parked = await capacity.park(request.turn, [refusal]);
    if (parked.kind === "parked") waiters.add(n);
    timers.set(n, clock.now() + (parked.kind === "parked" ? parked.waitMs : 10));
  }

  async function comeBack(): Promise<void> {
    while (woken.length > 0) {
      const n = Number(woken.shift()?.jobId.slice(-12));
      if (timers.has(n)) await ask(n);
    }
  }

  function moment(): CrowdMoment {
    const waiting = new Map<string, number>();
    for (const n of waiters) waiting.set(jobAt(n).tenant, (waiting.get(jobAt(n).tenant) ?? 0) + 1);
    return { tokens: new Map(tokens), waiting };
  }

  for (const n of jobs.keys()) {
    const { arrivesMs } = jobAt(n);
    if (arrivesMs === 0) await ask(n);
    else agenda.push({ at: startedAt + arrivesMs, run: () => ask(n) });
  }
  while (timers.size > 0 || agenda.length > 0) {
    await comeBack();
    if (onMoment?.(moment()) === false) break;
    const due = earliest(timers);
    agenda.sort((a, b) => a.at - b.at);
    const next = agenda[0];
    if (next !== undefined && (due === undefined || next.at <= due[1])) {
      agenda.shift();
      clock.advance(Math.max(0, next.at - clock.now()));
      await next.run();
    } else if (due !== undefined) {
      clock.advance(Math.max(0, due[1] - clock.now()));
      await ask(due[0]);
    }
  }
  return { order, counts, tokens, elapsedMs: clock.now() - startedAt };
}

function earliest(timers: ReadonlyMap<number, number>): [number, number] | undefined {
  let first: [number, number] | undefined;
  for (const timer of timers) if (first === undefined || timer[1] < first[1]) first = timer;
  return first;
}
