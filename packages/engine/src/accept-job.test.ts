import {
  type AcceptJob,
  type AcceptResult,
  type JobSpec,
  type KeptEstimate,
  SluiceError,
  tenantId,
} from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { createFakeClock, settled } from "../../../test/kit/fakes/fake-clock.ts";
import { createFaults } from "../../../test/kit/fakes/faults.ts";
import { createMemoryFiles } from "../../../test/kit/fakes/memory-files.ts";
import { createMemoryLanes } from "../../../test/kit/fakes/memory-lanes.ts";
import {
  createCountingIds,
  createRecordingLogger,
  createRecordingMetrics,
} from "../../../test/kit/fakes/records.ts";
import { sampleConfig } from "../../../test/kit/samples.ts";
import { type AcceptJobRequest, createAcceptJob } from "./accept-job.ts";
import { createAdditions } from "./forecast/additions.ts";
import { bytesOf, payloadOf } from "./payloads.ts";

const fields = {
  tenantId: tenantId("default"),
  endpoint: "/v1/responses",
  model: "auto",
  inputTokens: 3,
  maxOutputTokens: undefined,
  capabilities: [],
  traceparent: "00-trace",
};

const request: AcceptJobRequest = { fields, body: Buffer.from('{"model":"auto"}') };
const key = { route: "POST /v1/jobs", key: "k", bodySha256: Buffer.from("hash") };

function setup() {
  const lanes = createMemoryLanes();
  const faults = createFaults<"acceptJobs">();
  const accepted: AcceptJob[] = [];
  const state: {
    answer: AcceptResult;
    room: boolean;
    order: string[];
    estimate: KeptEstimate | undefined;
    refusal: SluiceError | undefined;
    claimed: AcceptResult | undefined;
  } = {
    answer: { kind: "accepted" },
    claimed: undefined,
    room: true,
    order: [],
    estimate: undefined,
    refusal: undefined,
  };
  const taken: string[] = [];
  const committed: string[] = [];
  const clock = createFakeClock();
  const reported: string[] = [];
  const ports = {
    ledger: {
      async findClaim() {
        state.order.push("look");
        return state.claimed;
      },
      acceptJobs: (jobs: readonly AcceptJob[]) =>
        faults.run("acceptJobs", () => {
          state.order.push("commit");
          accepted.push(...jobs);
          return jobs.map(() => state.answer);
        }),
    },
    lanes: {
      add: (pointers: Parameters<typeof lanes.add>[0]) => {
        state.order.push("lane");
        return lanes.add(pointers);
      },
    },
    room: {
      take({ candidateSet }: JobSpec) {
        taken.push(candidateSet);
        return state.room;
      },
      committed: ({ candidateSet }: JobSpec) => void committed.push(candidateSet),
      lanesAreAway: () => void state.order.push("away"),
    },
    files: createMemoryFiles(),
    ids: createCountingIds(),
    clock,
    admission: {
      async admit() {
        if (state.refusal !== undefined) throw state.refusal;
        return state.estimate;
      },
    },
    forecaster: { additions: createAdditions(clock) },
    reports: { accepted: ({ id }: JobSpec) => void reported.push(id) },
    logger: createRecordingLogger(),
    metrics: createRecordingMetrics(),
    config: () => sampleConfig(),
    render: (spec: { id: string }) => `{"id":"${spec.id}"}`,
  };
  const seen = { accepted, taken, committed, reported };
  return { ...ports, ...seen, lanes, faults, state, accept: createAcceptJob(ports) };
}

describe("what is predicted of a job", () => {
  test("is kept with it, and it counts until a snapshot taken after its commit does", async () => {
    const { accept, accepted, state, forecaster, reported, clock } = setup();
    state.estimate = { p50At: 1, p95At: 2, waitMs: 3, serviceMs: 4 };
    await accept(request);
    const spec = accepted[0]?.spec;
    expect(spec?.estimate).toEqual(state.estimate);
    expect(reported).toEqual([spec?.id]);
    const { additions } = forecaster;
    additions.drop(clock.now());
    expect(additions.tokensOf(fields.tenantId)).toBe(spec?.tokens);
    expect(additions.jobs()).toBe(1);
    additions.drop(clock.now() + 1);
    expect(additions.tokensOf(fields.tenantId)).toBe(0);
  });

  test("may be a refusal: nothing is stored, and nothing counts", async () => {
    const { accept, accepted, state, forecaster, taken } = setup();
    state.refusal = new SluiceError("deadline_unattainable", "late");
    await expect(accept(request)).rejects.toBe(state.refusal);
    expect([...accepted, ...taken]).toEqual([]);
    expect(forecaster.additions.jobs()).toBe(0);
  });

  test.each<AcceptResult>([{ kind: "replayed", status: 202, body: "{}" }, { kind: "key-reused" }])(
    "does not count one that came before: $kind",
    async (answer) => {
      const { accept, state, forecaster, reported } = setup();
      state.answer = answer;
      await accept(request).catch(() => undefined);
      expect(forecaster.additions.jobs()).toBe(0);
      expect(reported).toEqual([]);
    },
  );

  test("does not count one whose commit failed", async () => {
    const { accept, faults, forecaster } = setup();
    faults.arm("acceptJobs");
    await expect(accept(request)).rejects.toThrow();
    expect(forecaster.additions.jobs()).toBe(0);
  });
});

describe("an accepted job", () => {
  test("is answered after its commit, with its pointer in the lane", async () => {
    const { accept, accepted, lanes, state, metrics, clock } = setup();
    const answer = await accept(request);
    const spec = accepted[0]?.spec;
    expect(answer).toEqual({ status: 202, body: `{"id":"${spec?.id}"}`, replayed: false });
    expect(state.order).toEqual(["commit", "lane"]);
    expect(accepted[0]).toMatchObject({
      laned: true,
      spec: { body: { kind: "inline", bytes: request.body } },
    });
    expect([...lanes.waiting.values()]).toEqual([
      {
        jobId: spec?.id,
        model: "auto",
        effectiveDeadlineAt: spec?.effectiveDeadlineAt,
        traceparent: "00-trace",
      },
    ]);
    expect(metrics.totals.get("sluice_jobs_accepted_total{sla=standard}")).toBe(1);
    expect(clock.pendingTimers()).toBe(0);
  });

  test("waits in the ledger when its lane's window is full", async () => {
    const { accept, accepted, lanes, state, committed } = setup();
    state.room = false;
    expect(await accept(request)).toMatchObject({ status: 202 });
    expect([accepted[0]?.laned, committed]).toEqual([false, []]);
    expect(lanes.calls).toEqual([]);
  });

  test("is accepted though its lane does not take it", async () => {
    const { accept, lanes, logger, state } = setup();
    lanes.faults.arm("add");
    expect(await accept(request)).toMatchObject({ status: 202 });
    expect(state.order).toEqual(["commit", "lane", "away"]);
    expect(logger.entries).toMatchObject([{ level: "warn" }]);
  });

  test("is answered after a quarter of a second when Redis hangs", async () => {
    const { accept, lanes, clock } = setup();
    lanes.faults.hang("add");
    let answered = false;
    const answer = accept(request).finally(() => (answered = true));
    await clock.advance(249);
    expect(answered).toBe(false);
    await clock.advance(1);
    expect(answered).toBe(true);
    expect(await answer).toMatchObject({ status: 202 });
  });

  test("shares its way into the lane with others of the moment", async () => {
    const { accept, lanes } = setup();
    await Promise.all(Array.from({ length: 20 }, () => accept(request)));
    expect(lanes.waiting.size).toBe(20);
    expect(lanes.calls.filter(({ method }) => method === "add")).toHaveLength(1);
  });

  test("keeps a large body in the file store", async () => {
    const { accept, accepted, files } = setup();
    const body = Buffer.alloc(65_537, "x");
    await accept({ ...request, body });
    const kept = accepted[0]?.spec.body;
    expect(kept).toMatchObject({ kind: "stored", size: 65_537 });
    expect(kept && (await bytesOf(kept, files)).equals(body)).toBe(true);
  });
});

describe("what is not accepted", () => {
  test("leaves no trace when the ledger does not commit it", async () => {
    const { accept, lanes, faults, metrics, taken, committed } = setup();
    faults.arm("acceptJobs");
    await expect(accept(request)).rejects.toThrow("acceptJobs fails");
    await settled();
    expect([lanes.calls, metrics.totals.size]).toEqual([[], 0]);
    expect(committed).toEqual(taken);
  });

  test("is not promised when its body cannot be stored", async () => {
    const { accept, accepted, files } = setup();
    files.faults.arm("put");
    await expect(accept({ ...request, body: Buffer.alloc(70_000) })).rejects.toThrow("put fails");
    expect(accepted).toEqual([]);
  });

  test.each([
    [{ body: Buffer.alloc(1_000_001) }, "payload_too_large", "body"],
    [{ fields: { ...fields, model: "nope" } }, "unknown_model", "body.model"],
    [{ fields: { ...fields, deadline: "never" } }, "invalid_value", "deadline"],
  ])("is refused with its field, before anything is taken (%#)", async (changes, code, param) => {
    const { accept, accepted, files, taken } = setup();
    await expect(accept({ ...request, ...changes })).rejects.toMatchObject({ code, param });
    expect([accepted, files.contents.size, taken]).toEqual([[], 0, []]);
  });
});

describe("an idempotency key", () => {
  test("is committed with the answer that a repetition gets", async () => {
    const { accept, accepted } = setup();
    const { body } = await accept({ ...request, idempotency: key });
    expect(accepted[0]?.idempotency).toEqual({ ...key, response: { status: 202, body } });
  });

  test("that came before answers as it did then, and adds nothing", async () => {
    const { accept, lanes, state, metrics } = setup();
    state.answer = { kind: "replayed", status: 202, body: "{first}" };
    expect(await accept({ ...request, idempotency: key })).toEqual({
      status: 202,
      body: "{first}",
      replayed: true,
    });
    expect([lanes.calls, metrics.totals.size]).toEqual([[], 0]);
  });

  test("that came with another body is refused", async () => {
    const { accept, lanes, state } = setup();
    state.answer = { kind: "key-reused" };
    await expect(accept({ ...request, idempotency: key })).rejects.toMatchObject({
      code: "idempotency_key_reused",
    });
    expect(lanes.calls).toEqual([]);
  });
});

describe("a call that would be refused now", () => {
  const refusal = new SluiceError("queue_full", "full");
  const replay = { kind: "replayed", status: 202, body: "{first}" } as const;

  test.each([
    ["its admission", { idempotency: key }, refusal],
    [
      "its deadline",
      { idempotency: key, fields: { ...fields, deadline: "2020-01-01T00:00:00Z" } },
      undefined,
    ],
    ["its model", { idempotency: key, fields: { ...fields, model: "nope" } }, undefined],
  ])("for %s repeats the answer of the one that was accepted", async (_, changes, refused) => {
    const { accept, accepted, state } = setup();
    Object.assign(state, { claimed: replay, refusal: refused });
    expect(await accept({ ...request, ...changes })).toEqual({
      status: 202,
      body: "{first}",
      replayed: true,
    });
    expect(accepted).toEqual([]);
  });

  test("is told that its key came with another body", async () => {
    const { accept, state } = setup();
    Object.assign(state, { claimed: { kind: "key-reused" }, refusal });
    await expect(accept({ ...request, idempotency: key })).rejects.toMatchObject({
      code: "idempotency_key_reused",
    });
  });

  test("is refused when its key is new or it has none", async () => {
    const { accept, accepted, state } = setup();
    state.refusal = refusal;
    await expect(accept({ ...request, idempotency: key })).rejects.toBe(refusal);
    await expect(accept(request)).rejects.toBe(refusal);
    expect([accepted, state.order]).toEqual([[], ["look"]]);
  });

  test("waits for the call with its key that is being committed", async () => {
    const { accept, faults, state } = setup();
    const release = faults.hang("acceptJobs");
    const first = accept({ ...request, idempotency: key });
    await settled();
    state.refusal = refusal;
    const second = accept({ ...request, idempotency: key });
    await settled();
    expect(state.order).toEqual([]);
    state.claimed = replay;
    release();
    expect([await first, await second]).toMatchObject([{ replayed: false }, { replayed: true }]);
    expect(state.order).toEqual(["commit", "lane", "look"]);
  });
});

test("payloads up to 64 KiB stay in the ledger's row", async () => {
  const { files } = setup();
  expect((await payloadOf(Buffer.alloc(65_536), files)).kind).toBe("inline");
  const lost = { kind: "stored", key: "lost", size: 1 } as const;
  await expect(bytesOf(lost, files)).rejects.toThrow("there is no such file");
});
