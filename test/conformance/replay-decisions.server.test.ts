import {
  builtInPolicies,
  type JobToRun,
  type ModelAlias,
  type Signals,
  type StartAttempt,
} from "@sluice/domain";
import { createTurns } from "@sluice/engine";
import { expect, test } from "vitest";
import { placeJob } from "../../packages/engine/src/place-job.ts";
import { routeRequest } from "../../packages/engine/src/route-request.ts";
import { setup, t0, tenant } from "../../packages/ledger/src/testing/setup.ts";
import { decideRoute } from "../../packages/routing/src/index.ts";
import { createFakeClock } from "../kit/fakes/fake-clock.ts";
import { createMemoryFiles } from "../kit/fakes/memory-files.ts";
import { createMemoryPurse } from "../kit/fakes/memory-purse.ts";
import { createRecordingMetrics } from "../kit/fakes/records.ts";
import { createScriptedCapacity } from "../kit/fakes/scripted-capacity.ts";
import { sampleConfig, sampleTarget } from "../kit/samples.ts";
import { seeded } from "../kit/seeded.ts";

const decisions = 1_000;

const draw = seeded(20_261_128);
const oneOf = <T>(items: readonly T[]): T => items[Math.floor(draw() * items.length)] as T;

const targets = Array.from({ length: 12 }, (_, i) =>
  sampleTarget(`t${i}`, {
    pool: i < 6 ? "main" : i < 9 ? "large" : "spare",
    weight: 1 + (i % 3),
    price: { input: 0.1 * (i + 1), cachedInput: 0.05, output: 0.3 * (12 - i) },
    contextWindow: i % 4 === 0 ? 500 : 10_000,
    capabilities: i % 2 === 0 ? ["tools"] : [],
    ...(i % 3 === 0 ? { region: "eu" } : {}),
  }),
);
const rules = [
  { when: "request.missing == 1", pools: ["spare"] },
  { when: "has(request.tools) && request.tools.size() > 0", pools: ["large"] },
  { when: "signals.t0.in_flight > 60.0 && job.slack_s > 100.0", pools: ["large", "main"] },
  { when: "job.attempt > 2 || job.metadata.session == 's1'", require: { region: "eu" } },
];
const aliases = Object.keys(builtInPolicies).flatMap((policy): ModelAlias[] => [
  { name: policy, policy, pools: ["main"], fallback: ["spare"] },
  { name: `${policy}-rules`, policy, pools: ["main"], fallback: ["spare"], rules },
]);
const config = sampleConfig(targets, {
  pools: Object.fromEntries(
    ["main", "large", "spare"].map((name) => [
      name,
      { name, targets: targets.filter(({ pool }) => pool === name) },
    ]),
  ),
  models: Object.fromEntries(aliases.map((alias) => [alias.name, alias])),
});

function anySignals(): Signals {
  return Object.fromEntries(
    targets.map(({ id }) => {
      const latencyMs = draw() < 0.2 ? undefined : 50 + draw() * 5_000;
      const pausedUntil = draw() < 0.15 ? t0 + 9_000_000 : 0;
      const given = draw() < 0.1 ? { weight: oneOf([0, 0.5, 20]) } : {};
      const health = { ok: draw() < 0.5, checkedAt: t0, passedAt: t0 - 9, failures: 1, passes: 0 };
      const checked = draw() < 0.2 ? { health } : {};
      const used = { requestsUsed: draw(), tokensUsed: draw() * 1.1, concurrencyUsed: draw() };
      return [
        id,
        {
          inFlight: Math.floor(draw() * 99),
          ...used,
          latencyMs,
          errorRate: draw() / 3,
          pausedUntil,
          ...given,
          ...checked,
        },
      ];
    }),
  );
}

/** Places one job on signals of its own; sometimes the best targets have no room. */
async function place(job: JobToRun, signals: Signals, turns: ReturnType<typeof createTurns>) {
  const capacity = createScriptedCapacity();
  for (const { id } of targets)
    if (draw() < 0.2) capacity.full.set(id, { limit: "concurrency", waitMs: 100 });
  const ports = {
    ...{
      capacity,
      turns,
      clock: createFakeClock(),
      files: createMemoryFiles(),
      purse: createMemoryPurse(),
      metrics: createRecordingMetrics(),
    },
    signals: { read: async () => signals },
    random: { next: draw },
    config: () => config,
  };
  return placeJob(ports, job, "wrk_1");
}

test(`of ${decisions} decisions that the ledger keeps, ${decisions} come out the same when they are made again`, async () => {
  const { ledger, spec, register } = await setup();
  const workerId = await register();
  const turns = createTurns();
  const starts: StartAttempt[] = [];
  while (starts.length < decisions) {
    const job = spec({
      model: oneOf(aliases).name,
      priority: Math.floor(draw() * 10),
      inputTokens: Math.floor(draw() * 800),
      deadlineAt: t0 + Math.floor(draw() * 900_000),
      capabilities: draw() < 0.2 ? ["tools"] : [],
      metadata: draw() < 0.5 ? { session: `s${Math.floor(draw() * 5)}` } : {},
      routing: oneOf([{}, {}, {}, { region: "eu" }, { sort: "price" as const }, { exclude: ["t1", "t2"] }]),
      body: {
        kind: "inline",
        bytes: Buffer.from(draw() < 0.3 ? '{"tools":[{}],"x":1e3}' : '{"messages":[]}'),
      },
    });
    const attempts = Math.floor(draw() * 3);
    const failedTargets = attempts === 0 ? [] : [oneOf(targets).id];
    const standing = { ownerAlive: false, notBeforeAt: undefined, waitingFor: undefined };
    const claimed = { state: "queued", epoch: 0, ...standing } as const;
    const placement = await place({ ...job, ...claimed, attempts, failedTargets }, anySignals(), turns);
    if (placement.kind !== "placed") continue;
    await ledger.acceptJobs([{ spec: job, laned: true }]);
    const { route, target } = placement;
    starts.push({ jobId: job.id, fromEpoch: 0, workerId, targetId: target.id, startedAt: t0 + 1_000, route });
  }
  expect((await ledger.startAttempts(starts)).every(({ kind }) => kind === "started")).toBe(true);

  let same = 0;
  const seen = { targets: new Set<string>(), heldBack: 0, ruled: 0, shared: 0 };
  for (const { jobId, targetId } of starts) {
    const job = await ledger.findJob(tenant, jobId);
    const stored = await ledger.findRoute(tenant, jobId);
    if (job === undefined || stored === undefined) throw new Error("the ledger lost a job or its decision");
    const alias = config.models[job.model] as ModelAlias;
    const { attempt = 1, failedTargets = [], random = 0, turn = 0, heldBack = [], signals } = stored;
    const request = await routeRequest(
      { files: createMemoryFiles(), config },
      { ...job, attempts: attempt - 1, failedTargets },
      alias,
    );
    const again = decideRoute({ request, config, signals, now: stored.decidedAt, random, turn });
    const full = new Set(heldBack.map(({ target }) => target));
    if (again.order.find((id) => !full.has(id)) === targetId) same += 1;
    expect({ ...again, chosen: stored.chosen, heldBack }).toEqual({ ...stored, heldBack });
    seen.targets.add(targetId);
    if (full.size > 0) seen.heldBack += 1;
    if (stored.rules?.some(({ matched }) => matched)) seen.ruled += 1;
    if (stored.candidates.some(({ share }) => share !== undefined)) seen.shared += 1;
  }
  expect(same).toBe(decisions);
  // The sample is worth something: all targets, full ones, rules that matched and operators' weights are in it.
  expect(seen.targets.size).toBe(targets.length);
  expect(seen.heldBack).toBeGreaterThan(50);
  expect(seen.ruled).toBeGreaterThan(100);
  expect(seen.shared).toBeGreaterThan(100);
});
