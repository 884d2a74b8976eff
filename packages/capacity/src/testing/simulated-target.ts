import type { Capacity, Target } from "@sluice/domain";
import { use } from "./setup.ts";
import type { createTestClock } from "./values.ts";
import { testRequest } from "./values.ts";

/** For tests: a target as its calls see it. */
export interface TargetModel {
  /** ms of a call of so many output tokens that begins beside `inFlight - 1` others. */
  readonly latencyMs: (inFlight: number, outputTokens: number) => number;
  /** Refuses whatever comes beyond so many calls at once. */
  readonly most?: number;
  readonly outputTokens?: () => number;
}

/** For tests: what came of a run. */
export interface SimulatedRun {
  readonly answered: number;
  readonly refused: number;
  /** Calls at once, mean over time. */
  readonly inFlight: number;
}

/** For tests: calls a target for `forMs` as fast as capacity lets, with as many callers as there is room for. */
export async function simulateTarget(
  { capacity, clock }: { readonly capacity: Capacity; readonly clock: ReturnType<typeof createTestClock> },
  target: Target,
  model: TargetModel,
  forMs: number,
): Promise<SimulatedRun> {
  const endsAt = clock.now() + forMs;
  const calls: { endsAt: number; end: () => Promise<void> }[] = [];
  let [answered, refused, callMs] = [0, 0, 0];

  async function call(): Promise<boolean> {
    const outputTokens = model.outputTokens?.() ?? 100;
    const answer = await capacity.reserve(testRequest(target, { outputTokens, leaseMs: 10 * forMs }));
    if (answer.kind === "denied") return false;
    const { reservation } = answer;
    const isRefused = calls.length >= (model.most ?? Number.POSITIVE_INFINITY);
    const latencyMs = isRefused ? 20 : Math.ceil(model.latencyMs(calls.length + 1, outputTokens));
    const end = async () => {
      await capacity.settle(reservation, use(10, isRefused ? 0 : outputTokens));
      const went = isRefused ? { ok: false, isOverloaded: true } : { ok: true, health: "good" as const };
      await capacity.observe(target.id, { latencyMs, outputTokens, reservation, ...went });
      if (isRefused) refused += 1;
      else answered += 1;
    };
    callMs += latencyMs;
    calls.push({ endsAt: clock.now() + latencyMs, end });
    return true;
  }

  while (clock.now() < endsAt) {
    while (await call());
    calls.sort((a, b) => a.endsAt - b.endsAt);
    const next = calls.shift();
    if (next === undefined) throw new Error("nothing is granted and nothing under way");
    clock.advance(Math.max(0, next.endsAt - clock.now()));
    await next.end();
  }
  for (const { endsAt: at, end } of calls) {
    clock.advance(Math.max(0, at - clock.now()));
    await end();
  }
  return { answered, refused, inFlight: callMs / forMs };
}
