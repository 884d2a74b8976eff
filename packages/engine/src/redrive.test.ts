import {
  type DeadLetter,
  type DeadLetterLedger,
  idFromUuid,
  type JobId,
  type RedrivePlan,
  tenantId,
} from "@sluice/domain";
import { candidateSetId } from "@sluice/routing";
import { describe, expect, test } from "vitest";
import { createFakeClock } from "../../../test/kit/fakes/fake-clock.ts";
import { createMemoryDeadLetters } from "../../../test/kit/fakes/memory-lanes.ts";
import {
  createCountingIds,
  createRecordingLogger,
  createRecordingMetrics,
} from "../../../test/kit/fakes/records.ts";
import { sampleConfig, sampleTarget } from "../../../test/kit/samples.ts";
import { forecastRedrive, type RedriveRequest, redriveDeadLetters } from "./redrive.ts";

const tenant = tenantId("default");
const jobId = (number: number): JobId =>
  idFromUuid("job", `0198f3a0-0000-7000-8000-${String(number).padStart(12, "0")}`);

function letter(number: number, changes: Partial<DeadLetter> = {}): DeadLetter {
  return {
    jobId: jobId(number),
    tenantId: tenant,
    model: "auto",
    endpoint: "/v1/responses",
    sla: "standard",
    priority: 5,
    inputTokens: 1000,
    maxOutputTokens: 100,
    capabilities: [],
    routing: {},
    batchLine: undefined,
    keyId: undefined,
    acceptedAt: 0,
    diedAt: 0,
    attempts: 5,
    targetId: "cheap",
    failure: { code: "attempts_exhausted", message: "" },
    cause: "attempts_exhausted: overloaded 503",
    calls: [],
    ...changes,
  };
}

/** A ledger that holds these letters; `batchExpiresAt` is that of every line. */
function setup(held: readonly DeadLetter[], batchExpiresAt?: number) {
  const clock = createFakeClock();
  const letters = [...held];
  const plans: RedrivePlan[] = [];
  const filters: unknown[] = [];
  const chunks: number[] = [];
  const ledger: Pick<DeadLetterLedger, "listDeadLetters" | "redriveJobs"> = {
    async listDeadLetters(_tenant, filter, { after = "", limit }) {
      filters.push(filter);
      return letters.filter((one) => one.jobId > after).slice(0, limit);
    },
    async redriveJobs({ ids, plan }) {
      chunks.push(ids.length);
      return ids.flatMap((id) => {
        const index = letters.findIndex((one) => one.jobId === id);
        const [found] = index < 0 ? [] : letters.splice(index, 1);
        if (found === undefined) return [];
        const planned = plan(found, found.batchLine && batchExpiresAt);
        plans.push(planned);
        return [{ from: id, to: planned.id }];
      });
    },
  };
  const cheap = sampleTarget("cheap", { price: { input: 1, cachedInput: 1, output: 2 } });
  const dear = sampleTarget("dear", { price: { input: 10, cachedInput: 10, output: 20 } });
  const config = sampleConfig([cheap, dear]);
  const deadLetters = createMemoryDeadLetters();
  const metrics = createRecordingMetrics();
  const ports = {
    ...{ ledger, deadLetters, metrics, clock },
    ids: createCountingIds(),
    logger: createRecordingLogger(),
    config: () => config,
    failureLineBytes: () => 1,
  };
  const ask = (changes: Partial<RedriveRequest> = {}): RedriveRequest => ({
    tenantId: tenant,
    filter: {},
    routing: {},
    ...changes,
  });
  return { ports, ask, plans, filters, chunks, letters, deadLetters, metrics, clock, config };
}

describe("a forecast", () => {
  test("adds up tokens and the cost on the cheapest target that each job may use, and changes nothing", async () => {
    const { ports, ask, letters } = setup([
      letter(1),
      letter(2, { maxOutputTokens: undefined }),
      letter(3, { model: "gone" }),
      letter(4, { endpoint: "/v1/audio" }),
    ]);
    const usual = 512;
    expect(await forecastRedrive(ports, ask())).toEqual({
      count: 2,
      skipped: 2,
      inputTokens: 2000,
      outputTokens: 100 + usual,
      costUsd: expect.closeTo((2000 + 2 * (100 + usual)) / 1e6, 12),
    });
    const dear = await forecastRedrive(ports, ask({ routing: { targets: ["dear"] } }));
    expect(dear.costUsd).toBeCloseTo((20_000 + 20 * (100 + usual)) / 1e6, 12);
    expect(letters).toHaveLength(4);
  });

  test("a job keeps the targets it had asked for unless others are asked for now", async () => {
    const routing = { targets: ["elsewhere"], exclude: ["dear"] };
    const { ports, ask } = setup([letter(1, { routing })]);
    expect(await forecastRedrive(ports, ask())).toMatchObject({ count: 0, skipped: 1 });
    expect(await forecastRedrive(ports, ask({ routing: { pools: ["main"] } }))).toMatchObject({ count: 1 });
    expect(await forecastRedrive(ports, ask({ routing: { targets: ["dear"] } }))).toMatchObject({
      skipped: 1,
    });
  });
});

describe("a redrive", () => {
  test("goes through all that had died when it began, some hundreds at a time, and names the first hundred", async () => {
    const held = Array.from({ length: 1201 }, (_, index) => letter(index + 1));
    const { ports, ask, chunks, filters, metrics, clock } = setup([...held, letter(5000, { model: "gone" })]);
    const began = clock.now();
    const { redriven, skipped, jobs } = await redriveDeadLetters(ports, ask({ filter: { model: "auto" } }));
    expect([redriven, skipped, jobs.length, chunks]).toEqual([1201, 1, 100, [500, 500, 201]]);
    expect(jobs[0]?.from).toBe(jobId(1));
    expect(filters).toEqual(Array.from({ length: 3 }, () => ({ model: "auto", until: began })));
    expect(metrics.totals.get("sluice_jobs_accepted_total{sla=standard}")).toBe(1201);
  });

  test("takes the jobs off the board, and goes on when the board cannot be reached", async () => {
    const { ports, ask, deadLetters } = setup([letter(1), letter(2)]);
    await deadLetters.add([1, 2, 3].map((number) => ({ jobId: jobId(number), model: "auto", code: "x" })));
    await redriveDeadLetters(ports, ask());
    expect(deadLetters.entries.map((entry) => entry.jobId)).toEqual([jobId(3)]);
    const other = setup([letter(1)]);
    other.deadLetters.faults.arm("remove");
    expect(await redriveDeadLetters(other.ports, other.ask())).toMatchObject({ redriven: 1 });
  });

  test("gives the new job the deadline of its class, or the one asked for, and its priority's effect", async () => {
    const { ports, ask, plans, clock } = setup([letter(1)]);
    await redriveDeadLetters(ports, ask());
    const asked = setup([letter(1, { sla: "gone" })]);
    await redriveDeadLetters(asked.ports, asked.ask({ deadline: "2h" }));
    const [now, minute] = [clock.now(), 60_000];
    expect(plans[0]).toMatchObject({
      deadlineAt: now + 15 * minute,
      effectiveDeadlineAt: now + 7.5 * minute,
    });
    expect(asked.plans[0]?.deadlineAt).toBe(now + 120 * minute);
  });

  test("counts the new job in the window of the targets that it may go to now", async () => {
    const { ports, ask, plans, config, letters } = setup([letter(1)]);
    await redriveDeadLetters(ports, ask());
    letters.push(letter(2));
    await redriveDeadLetters(ports, ask({ routing: { targets: ["cheap"] } }));
    const all = Object.values(config.pools).flatMap(({ targets }) => targets);
    expect(plans.map((plan) => plan.candidateSet)).toEqual([
      candidateSetId(all),
      candidateSetId([{ id: "cheap" }]),
    ]);
  });

  test("keeps a line within its batch's window while that lasts", async () => {
    const batchLine = {
      batchId: idFromUuid("batch", "0198f3a0-0000-7000-8000-000000000000"),
      line: 1,
      customId: "",
    };
    const start = createFakeClock().now();
    const deadlines = [undefined, "1h", "48h"].map(async (deadline) => {
      const { ports, ask, plans } = setup([letter(1, { batchLine })], start + 24 * 3_600_000);
      await redriveDeadLetters(ports, ask({ deadline }));
      return ((plans[0]?.deadlineAt ?? 0) - start) / 3_600_000;
    });
    expect(await Promise.all(deadlines)).toEqual([24, 1, 24]);
    const over = setup([letter(1, { batchLine })], start);
    await redriveDeadLetters(over.ports, over.ask());
    expect(over.plans[0]?.deadlineAt).toBe(start + 900_000);
  });

  test.each([
    [{ routing: { pools: ["main", "mian"] } }, "routing.pools[1]"],
    [{ routing: { targets: ["constructor"] } }, "routing.targets[0]"],
    [{ deadline: "soon" }, "deadline"],
  ])("refuses %j and names the field", async (changes, param) => {
    const { ports, ask, letters } = setup([letter(1)]);
    await expect(redriveDeadLetters(ports, ask(changes))).rejects.toMatchObject({
      code: "invalid_value",
      param,
    });
    await expect(forecastRedrive(ports, ask(changes))).rejects.toMatchObject({ param });
    expect(letters).toHaveLength(1);
  });
});
