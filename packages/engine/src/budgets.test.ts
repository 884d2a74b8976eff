import { type Budget, idFromUuid, type JobToRun, tenantId } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { createFakeClock } from "../../../test/kit/fakes/fake-clock.ts";
import { createRecordingLogger } from "../../../test/kit/fakes/records.ts";
import { sampleConfig, sampleJob, sampleUuid } from "../../../test/kit/samples.ts";
import { budgetsOf, createPurse, type Payers } from "./budgets.ts";

const batchId = idFromUuid("batch", sampleUuid);
const line = { batchId, line: 1, customId: "c" };
const dayMs = 86_400_000;

describe("the budgets of a job", () => {
  const config = sampleConfig(undefined, {
    tenants: {
      default: { weight: 1, limits: {}, maxPriority: 9 },
      thrifty: { weight: 1, limits: { usdPerDayPerKey: 2 }, maxPriority: 9 },
    },
  });
  const keysOf = (payers: Omit<Payers, "tenantId">, tenant = "thrifty") =>
    budgetsOf(config, { tenantId: tenantId(tenant), ...payers }).map(({ key, usd }) => [key, usd]);

  test("are its key's, as the tenant's keys have it, and its batch's", () => {
    expect(budgetsOf(config, { tenantId: tenantId("thrifty"), keyId: "k", batchId, maxSpendUsd: 5 })).toEqual(
      [
        { key: "key:k", usd: 2, window: "day" },
        { key: `batch:${batchId}`, usd: 5, window: "total" },
      ],
    );
  });

  test("let a budget of the key's own go before that of the tenant's keys", () => {
    expect(keysOf({ keyId: "k", keyUsdPerDay: 7 })).toEqual([["key:k", 7]]);
    expect(keysOf({ keyId: "k", keyUsdPerDay: 7 }, "default")).toEqual([["key:k", 7]]);
  });

  test("are none where nobody has set any", () => {
    expect(keysOf({ keyId: "k", batchId }, "default")).toEqual([]);
    expect(keysOf({})).toEqual([]);
  });
});

/** A purse whose ledger answers when the test lets it. */
function setup() {
  const clock = createFakeClock();
  const logger = createRecordingLogger();
  const asked: unknown[][] = [];
  const { promise: answers, resolve: answer } = Promise.withResolvers<void>();
  const figure = async (usd: number, ...question: unknown[]) => {
    asked.push(question);
    await answers;
    return usd;
  };
  const ended = new Set<string>();
  const purse = createPurse({
    ledger: {
      batchSpend: (id) => figure(3, id),
      keySpend: (keyId, since) => figure(1, keyId, since),
      stopBatch: async (id) => !ended.has(id) && ended.add(id).size > 0,
    },
    clock,
    logger,
  });
  const job: JobToRun = {
    ...sampleJob,
    failedTargets: [],
    ownerAlive: false,
    keyId: "k",
    batchLine: line,
  };
  return { purse, clock, logger, asked, answer, job };
}

const total: Budget = { key: `batch:${batchId}`, usd: 5, window: "total" };
const day: Budget = { key: "key:k", usd: 2, window: "day" };

describe("a worker's purse", () => {
  test("asks for all that a batch's lines have cost, and for what a key has spent in 24 hours", async () => {
    const { purse, clock, asked, answer, job } = setup();
    answer();
    expect(await purse.withSpend(job, [day, total])).toEqual([
      { ...day, spentUsd: 1 },
      { ...total, spentUsd: 3 },
    ]);
    expect(asked).toEqual([["k", clock.now() - dayMs], [batchId]]);
  });

  test("reads once for all who ask at the same time, and again for those who ask later", async () => {
    const { purse, asked, answer, job } = setup();
    const [one, other] = [purse.withSpend(job, [total]), purse.withSpend(job, [total])];
    answer();
    expect(await Promise.all([one, other])).toEqual([
      [{ ...total, spentUsd: 3 }],
      [{ ...total, spentUsd: 3 }],
    ]);
    expect(asked).toHaveLength(1);
    await purse.withSpend(job, [total]);
    expect(asked).toHaveLength(2);
  });

  test("says once that a batch is ended, however many of its lines find it unpayable", async () => {
    const { purse, logger } = setup();
    await purse.stopBatch(batchId);
    await purse.stopBatch(batchId);
    expect(logger.entries.map(({ fields }) => fields)).toEqual([{ batchId }]);
  });
});
