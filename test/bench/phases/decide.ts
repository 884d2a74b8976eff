import { decideRoute, type RouteInput } from "../../../packages/routing/src/index.ts";
import { sampleConfig, sampleTarget } from "../../kit/samples.ts";
import { seeded } from "../../kit/seeded.ts";
import { median } from "../measure/quantile.ts";
import type { Measures } from "../measure/snapshot.ts";
import { jobBodies } from "../prompts.ts";
import type { System } from "../systems/system.ts";
import type { PhaseContext } from "./phase.ts";

const targets = 50;
const takes = 5;

/**
 * Decisions over 50 targets that can all serve, per second of one core. The baseline decides nothing: what stands
 * beside is how often it could read and write the JSON of the request meanwhile.
 */
export function measureDecisions({ system, sizes, seed }: PhaseContext): Measures {
  const run = work[system.name](seed);
  // The first take warms up.
  const rates = Array.from({ length: takes + 1 }, () => rateOf(run, sizes.decideMs)).slice(1);
  return { "decide.perSecond": median(rates) };
}

const work: Readonly<Record<System["name"], (seed: number) => (turn: number) => unknown>> = {
  sluice: (seed) => {
    const inputs = routeInputs(seed);
    return (turn) => decideRoute(inputs[turn % inputs.length] as RouteInput);
  },
  baseline: (seed) => {
    const bodies = jobBodies(seed);
    return (turn) => JSON.stringify(JSON.parse(bodies[turn % bodies.length] ?? ""));
  },
};

/** Runs per second of processor time: what else the machine does counts less than by the wall's clock. */
function rateOf(run: (turn: number) => unknown, forMs: number): number {
  const [startedAt, usedBefore] = [performance.now(), process.cpuUsage()];
  let turn = 0;
  for (; performance.now() - startedAt < forMs; turn += 1) run(turn);
  const { user, system } = process.cpuUsage(usedBefore);
  return (turn / (user + system)) * 1_000_000;
}

/** The same job at many moments: targets differ in price and speed, and their signals change. */
function routeInputs(seed: number): RouteInput[] {
  const draw = seeded(seed);
  const limits = { requestsPerMinute: 1_000, tokensPerMinute: 1_000_000, concurrency: 64 };
  const list = Array.from({ length: targets }, (_, index) =>
    sampleTarget(`t${index}`, { limits, price: { input: draw(), cachedInput: draw(), output: 4 * draw() } }),
  );
  const config = sampleConfig(list);
  const signals = () => ({
    inFlight: Math.floor(64 * draw()),
    requestsUsed: draw(),
    tokensUsed: draw(),
    concurrencyUsed: draw(),
    latencyMs: 200 + 2_000 * draw(),
    errorRate: 0,
    pausedUntil: 0,
  });
  return Array.from({ length: 64 }, () => ({
    request: {
      jobId: "job",
      endpoint: "/v1/chat/completions",
      model: "auto",
      tenant: "default",
      inputTokens: 300,
      maxOutputTokens: undefined,
      capabilities: [],
      wishes: {},
      sla: "standard",
      priority: 0,
      metadata: {},
      attempt: 1,
      deadlineAt: 60_000,
      failedTargets: [],
    },
    config,
    signals: Object.fromEntries(list.map(({ id }) => [id, signals()])),
    now: 1_000,
    random: draw(),
  }));
}
