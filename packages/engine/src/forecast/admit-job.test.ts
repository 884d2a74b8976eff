import { type EngineConfig, type ForecastSnapshot, idFromUuid, type JobSpec, tenantId } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { createFakeClock } from "../../../../test/kit/fakes/fake-clock.ts";
import { createMemoryForecastBoard } from "../../../../test/kit/fakes/memory-forecast-board.ts";
import { createRecordingLogger } from "../../../../test/kit/fakes/records.ts";
import { sampleConfig, sampleJob, sampleUuid } from "../../../../test/kit/samples.ts";
import { createAdmission } from "./admit-job.ts";
import { createForecaster } from "./forecaster.ts";

const acme = tenantId("acme");

function setup(options: {
  admission?: "flag" | "accept" | "refuse";
  queuedJobs?: number;
  enqueuedTokens?: number;
  snapshot?: Partial<ForecastSnapshot>;
}) {
  const clock = createFakeClock();
  const board = createMemoryForecastBoard();
  const base = sampleConfig();
  const limits = options.enqueuedTokens === undefined ? {} : { enqueuedTokens: options.enqueuedTokens };
  const config: EngineConfig = {
    ...base,
    limits: {
      ...base.limits,
      ...(options.queuedJobs === undefined ? {} : { queuedJobs: options.queuedJobs }),
    },
    tenants: { acme: { weight: 1, maxPriority: 9, limits } },
    slaClasses: Object.fromEntries(
      Object.entries(base.slaClasses).map(([name, sla]) => [
        name,
        { ...sla, admission: options.admission ?? "flag" },
      ]),
    ),
  };
  const target = Object.values(config.pools)[0]?.targets[0]?.id ?? "";
  function publish(changes: Partial<ForecastSnapshot> = {}): void {
    board.snapshot = {
      version: 1,
      takenAt: clock.now(),
      targets: { [target]: { tokensPerSecond: 100, latencyMs: 1_000 } },
      sets: [],
      corrections: {},
      records: {},
      jobs: 0,
      jobsPerSecond: 2,
      tenants: {},
      ...options.snapshot,
      ...changes,
    };
  }
  const waiting = (tokens: number) => ({
    sets: [
      {
        candidateSet: "set",
        targets: [target],
        flows: [
          {
            tenantId: acme,
            bands: [{ earliestAt: 0, latestAt: 1, tokens }],
            arrivals: [],
          },
        ],
      },
    ],
  });
  const forecaster = createForecaster({
    board,
    clock,
    logger: createRecordingLogger(),
    config: () => config,
  });
  const job: JobSpec = {
    ...sampleJob,
    id: idFromUuid("job", sampleUuid),
    tenantId: acme,
    candidateSet: "set",
    tokens: 100,
    acceptedAt: clock.now(),
    deadlineAt: clock.now() + 30_000,
    effectiveDeadlineAt: clock.now() + 30_000,
  };
  publish();
  return {
    clock,
    board,
    forecaster,
    job,
    publish,
    waiting,
    admission: createAdmission({ forecaster, config: () => config }),
  };
}

describe("the bound of the queue", () => {
  test("refuses what would exceed it, for as long as it takes until there is room", async () => {
    const { admission, forecaster } = setup({ queuedJobs: 10, snapshot: { jobs: 15 } });
    await forecaster.refreshed();
    await expect(admission.checkRoom(acme)).rejects.toMatchObject({
      code: "queue_full",
      retryAfterSeconds: 3,
    });
  });

  test("is all that a batch is held against when it is created", async () => {
    const tenants = { acme: { waitingTokens: 2_000, runningTokens: 0 } };
    const used = setup({ queuedJobs: 10, enqueuedTokens: 1_000, snapshot: { jobs: 5, tenants } });
    await used.forecaster.refreshed();
    await expect(used.admission.checkRoom(acme)).rejects.toMatchObject({ code: "enqueued_tokens_exceeded" });
    await used.admission.checkQueue();
    const full = setup({ queuedJobs: 10, snapshot: { jobs: 10 } });
    await full.forecaster.refreshed();
    await expect(full.admission.checkQueue()).rejects.toMatchObject({ code: "queue_full" });
  });

  test("lets go what fits, and counts what this process has accepted since", async () => {
    const { admission, forecaster, job } = setup({ queuedJobs: 2, snapshot: { jobs: 1 } });
    await forecaster.refreshed();
    await admission.checkRoom(acme);
    forecaster.additions.add(job);
    await expect(admission.checkRoom(acme)).rejects.toMatchObject({ code: "queue_full" });
  });

  test("refuses nobody by what was known a while ago", async () => {
    const { admission, forecaster, publish } = setup({ queuedJobs: 10, snapshot: { jobs: 15 } });
    await forecaster.refreshed();
    publish({ takenAt: 1, jobs: 9 });
    await admission.checkRoom(acme);
  });

  test("refuses nobody while nothing is known", async () => {
    const { admission, board, job } = setup({ queuedJobs: 10, enqueuedTokens: 100, snapshot: { jobs: 15 } });
    board.isAway = true;
    await admission.checkRoom(acme);
    expect(await admission.admit(job)).toMatchObject({ waitMs: 0 });
  });
});

describe("a tenant's quota of tokens", () => {
  const tenants = { acme: { waitingTokens: 700, runningTokens: 200 } };

  test("refuses what would exceed it, for as long as its jobs take", async () => {
    const { admission, job, publish, waiting, forecaster } = setup({
      enqueuedTokens: 1_000,
      snapshot: { tenants },
    });
    publish(waiting(700));
    await forecaster.refreshed();
    expect(await admission.admit(job)).toBeDefined();
    await expect(admission.admit({ ...job, tokens: 500 })).rejects.toMatchObject({
      code: "enqueued_tokens_exceeded",
      retryAfterSeconds: 4,
    });
  });

  test("counts what is being accepted, and gives back what came to nothing", async () => {
    const { admission, job, forecaster } = setup({ enqueuedTokens: 1_000, snapshot: { tenants } });
    await forecaster.refreshed();
    const { dropped } = forecaster.additions.add(job);
    await expect(admission.admit(job)).rejects.toMatchObject({ code: "enqueued_tokens_exceeded" });
    dropped();
    await admission.admit(job);
  });

  test("refuses for good what is larger than the whole of it", async () => {
    const { admission, job } = setup({ enqueuedTokens: 50 });
    await expect(admission.admit(job)).rejects.toMatchObject({ code: "invalid_value", param: "body" });
  });
});

describe("a class", () => {
  test("that refuses takes no job that would probably be late, and says when it would", async () => {
    const { admission, job, publish, waiting, forecaster } = setup({ admission: "refuse" });
    publish(waiting(900));
    await forecaster.refreshed();
    // About 11 s, times 3 at worst: 3 s late.
    const refusal = await admission.admit(job).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: "deadline_unattainable", param: "deadline" });
    const { retryAfterSeconds } = refusal as { retryAfterSeconds: number };
    expect(retryAfterSeconds).toBeGreaterThanOrEqual(1);
    expect(retryAfterSeconds).toBeLessThan(4);
    expect(await admission.admit({ ...job, deadlineAt: job.deadlineAt + 30_000 })).toMatchObject({
      serviceMs: 1_000,
    });
  });

  test("that does not refuse takes it", async () => {
    const { admission, job, publish, waiting, forecaster } = setup({ admission: "flag" });
    publish(waiting(90_000));
    await forecaster.refreshed();
    const estimate = await admission.admit(job);
    expect(estimate?.p95At).toBeGreaterThan(job.deadlineAt);
  });
});
