import { type Capacity, type ReserveRequest, type Turn, tenantId } from "@sluice/domain";
import { jobNumber } from "../../../../test/kit/waiting-conformance.ts";
import { type StepOf, targets } from "./differential-steps.ts";
import type { createTestClock } from "./values.ts";

/** What the longer steps of the differential test are made of; see `DifferentialRun`. */
interface Actor {
  readonly clock: ReturnType<typeof createTestClock>;
  readonly startedAt: number;
  both<Answer>(step: string, act: (capacity: Capacity) => Promise<Answer>): Promise<Answer>;
  ask(request: ReserveRequest): Promise<unknown>;
  place(turn: Turn, requests: readonly ReserveRequest[]): Promise<void>;
}

/** Many jobs that want the same, of one tenant or of many. */
export async function crowd(
  run: Actor,
  { target, jobs, tenants: count, outputTokens, urgency }: StepOf<"crowd">,
): Promise<void> {
  for (let n = 0; n < jobs; n += 1) {
    const tenant = tenantId(`crowd${n % count}`);
    const effectiveDeadlineAt = run.startedAt + urgency + ((n * 7_919) % 500);
    const weight = 1 + (n % count) / 2;
    const turn = {
      jobId: jobNumber(1_000 + n),
      model: "auto",
      effectiveDeadlineAt,
      tenantId: tenant,
      weight,
    };
    const amounts = { inputTokens: 3, outputTokens, costUsd: 0, leaseMs: 30_000 };
    const request = {
      target: targets[target],
      tenant: { id: tenant, limits: {} },
      owner: "w1",
      turn,
      ...amounts,
    };
    await run.place(turn, [request]);
  }
}

/** The target fails, is called once more after its breaker has been open, answers, and many come. */
export async function recover(run: Actor, { target, passMs, calls }: StepOf<"recover">): Promise<void> {
  const failed = { latencyMs: 5, ok: false, health: "unreachable" } as const;
  for (let n = 0; n < 5; n += 1) await run.both("observe", (capacity) => capacity.observe(target, failed));
  run.clock.advance(passMs);
  const tenant = { id: tenantId("probe"), limits: {} };
  const amounts = { inputTokens: 1, outputTokens: 1, costUsd: 0, leaseMs: 300_000 };
  const request = { target: targets[target], tenant, owner: "w1", ...amounts };
  const probe = await run.both("reserve", (capacity) => capacity.reserve(request));
  if (probe.kind === "denied") return;
  const good = { latencyMs: 50, ok: true, health: "good", reservation: probe.reservation } as const;
  await run.both("settle", (capacity) => capacity.settle(probe.reservation, amounts));
  await run.both("observe", (capacity) => capacity.observe(target, good));
  for (let n = 0; n < calls; n += 1) await run.ask(request);
}

/** Many small calls, one after the other. */
export async function burst(run: Actor, { target, calls }: StepOf<"burst">): Promise<void> {
  const tenant = { id: tenantId("burst"), limits: {} };
  const amounts = { inputTokens: 1, outputTokens: 0, costUsd: 0, leaseMs: 30_000 };
  const use = { inputTokens: 1, outputTokens: 0, costUsd: 0 };
  for (let n = 0; n < calls; n += 1) {
    const request = { target: targets[target], tenant, owner: "w1", ...amounts };
    const answer = await run.both("reserve", (capacity) => capacity.reserve(request));
    if (answer.kind === "denied") return;
    await run.both("settle", (capacity) => capacity.settle(answer.reservation, use));
  }
}
