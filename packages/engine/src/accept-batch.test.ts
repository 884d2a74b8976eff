import {
  type AcceptResult,
  type Batch,
  type BatchSpec,
  type EngineConfig,
  type FileRecord,
  type IdempotencyClaim,
  idFromUuid,
  tenantId,
} from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { createFakeClock } from "../../../test/kit/fakes/fake-clock.ts";
import { createMemoryIdQueue } from "../../../test/kit/fakes/memory-lanes.ts";
import { createCountingIds, createRecordingLogger } from "../../../test/kit/fakes/records.ts";
import { sampleBatch, sampleConfig, sampleMoment, sampleUuid } from "../../../test/kit/samples.ts";
import { type AcceptBatchRequest, acceptBatch } from "./accept-batch.ts";

const file: FileRecord = {
  id: idFromUuid("file", sampleUuid),
  tenantId: sampleBatch.tenantId,
  filename: "in.jsonl",
  purpose: "batch",
  bytes: 1,
  createdAt: sampleMoment,
  expiresAt: undefined,
  content: { kind: "stored", key: "k" },
};

const request: AcceptBatchRequest = {
  tenantId: tenantId("default"),
  inputFileId: file.id,
  endpoint: "/v1/responses",
  completionWindow: "24h",
  render: (spec) => `{"id":"${spec.id}"}`,
};

function setup(config: EngineConfig = sampleConfig()) {
  const created: { spec: BatchSpec; claim: IdempotencyClaim | undefined }[] = [];
  const state: {
    answer: AcceptResult;
    claimed: AcceptResult | undefined;
    file: FileRecord | undefined;
    earlier: Batch | undefined;
  } = {
    earlier: undefined,
    answer: { kind: "accepted" },
    claimed: undefined,
    file,
  };
  const ports = {
    ledger: {
      async createBatch(spec: BatchSpec, claim?: IdempotencyClaim) {
        created.push({ spec, claim });
        return state.answer;
      },
      findBatch: async (tenant: string, id: string, dialect?: string) =>
        state.earlier?.id === id && tenant === state.earlier.tenantId && dialect === "openai"
          ? state.earlier
          : undefined,
      findClaim: async () => state.claimed,
      findFile: async (tenant: string) => (tenant === "default" ? state.file : undefined),
    },
    batches: createMemoryIdQueue(),
    ids: createCountingIds(),
    clock: createFakeClock(),
    logger: createRecordingLogger(),
    config: () => config,
  };
  const accept = async (changes: Partial<AcceptBatchRequest> = {}) => {
    const answer = await acceptBatch(ports, { ...request, ...changes });
    return { ...answer, spec: created.at(-1)?.spec as BatchSpec };
  };
  return { ...ports, created, state, accept };
}

describe("acceptBatch", () => {
  test("records a batch with files of its own and puts it in line for validation", async () => {
    const { accept, created, batches, clock } = setup();
    const { spec, body, result } = await accept();
    expect(created).toEqual([{ spec, claim: undefined }]);
    expect([result.kind, body]).toEqual(["accepted", `{"id":"${spec.id}"}`]);
    expect(batches.ids).toEqual([spec.id]);
    expect(spec).toMatchObject({
      sla: "batch",
      priority: 0,
      createdAt: clock.now(),
      expiresAt: clock.now() + 86_400_000,
      webhookJobs: false,
    });
    expect(new Set([spec.inputFileId, spec.outputFileId, spec.errorFileId]).size).toBe(3);
  });

  test("takes the default class where none is called batch, and the one that is asked for", async () => {
    const config = sampleConfig();
    const { standard } = config.slaClasses;
    const only = { ...config, slaClasses: standard === undefined ? {} : { standard } };
    expect((await setup(only).accept()).spec.sla).toBe("standard");
    expect((await setup().accept({ sla: "standard" })).spec.sla).toBe("standard");
  });

  test.each([
    ["1s", 1_000],
    ["7d", 604_800_000],
    ["3660d", 316_224_000_000],
  ])("takes a window of %s", async (completionWindow, ms) => {
    const { accept, clock } = setup();
    expect((await accept({ completionWindow })).spec.expiresAt - clock.now()).toBe(ms);
  });

  test("ends at the deadline that it is tagged with, whatever its window is", async () => {
    const { accept, clock } = setup();
    const { spec } = await accept({ deadline: "10m", outputLifeSeconds: 7_200 });
    expect(spec).toMatchObject({ completionWindow: "24h", outputLifeSeconds: 7_200 });
    expect(spec.expiresAt).toBe(clock.now() + 600_000);
    const moment = new Date(clock.now() + 5_000).toISOString();
    expect((await accept({ deadline: moment })).spec.expiresAt).toBe(clock.now() + 5_000);
  });

  test.each([
    [{ deadline: "soon" }, "invalid_value", "deadline"],
    [{ completionWindow: "0s" }, "invalid_value", "completion_window"],
    [{ completionWindow: "soon" }, "invalid_value", "completion_window"],
    [{ completionWindow: "3661d" }, "invalid_value", "completion_window"],
    [{ completionWindow: "99999999999d" }, "invalid_value", "completion_window"],
    [{ endpoint: "/v1/videos" }, "unsupported_endpoint", "endpoint"],
    [{ sla: "gold" }, "invalid_value", "sla"],
    [{ priority: 10 }, "invalid_value", "priority"],
    [{ inputFileId: "nonsense" }, "not_found", "input_file_id"],
    [{ tenantId: tenantId("other") }, "not_found", "input_file_id"],
  ])("refuses %j and names the field", async (changes, code, param) => {
    const { accept, created, batches } = setup();
    await expect(accept(changes)).rejects.toMatchObject({ code, param });
    expect([created, batches.ids]).toEqual([[], []]);
  });

  test("refuses a file of another purpose, such as another batch's output", async () => {
    const { accept, state } = setup();
    state.file = { ...file, purpose: "batch_output" };
    await expect(accept()).rejects.toMatchObject({ code: "invalid_value", param: "input_file_id" });
  });

  test("stands though its queue does not answer", async () => {
    const { accept, batches, logger } = setup();
    batches.faults.arm("add");
    expect((await accept()).result.kind).toBe("accepted");
    expect(logger.entries).toMatchObject([{ level: "warn" }]);
  });

  test("puts a repeated batch in line once, and commits the answer with the key", async () => {
    const { accept, batches, state, created } = setup();
    const idempotency = { route: "POST /v1/batches", key: "k", bodySha256: Buffer.from("hash") };
    state.answer = { kind: "replayed", status: 200, body: "{first}" };
    const { body } = await accept({ idempotency });
    expect(batches.ids).toEqual([]);
    expect(created[0]?.claim).toEqual({ ...idempotency, response: { status: 200, body } });
  });
});

test("a repetition of a batch is answered though its file is gone; a new key is refused", async () => {
  const { accept, created, state } = setup();
  const idempotency = { route: "POST /v1/batches", key: "k", bodySha256: Buffer.from("hash") };
  Object.assign(state, { file: undefined });
  await expect(accept({ idempotency })).rejects.toMatchObject({ code: "not_found" });
  state.claimed = { kind: "replayed", status: 200, body: "{first}" };
  expect((await accept({ idempotency })).result).toEqual(state.claimed);
  await expect(accept()).rejects.toMatchObject({ code: "not_found" });
  expect(created).toEqual([]);
});

describe("a batch that goes on from another", () => {
  const counts = { ...sampleBatch.counts, total: 5, succeeded: 3, failed: 2 };
  const earlier: Batch = {
    ...sampleBatch,
    status: "completed",
    counts,
    priority: 4,
    metadata: { night: "27" },
    routing: { pools: ["main"] },
    webhookUrl: "https://example.com/",
    maxSpendUsd: 5,
    stopOnErrorRate: 0.1,
    outputLifeSeconds: 3_600,
    completionWindow: "2h",
  };
  const unsaid = { inputFileId: undefined, endpoint: undefined, completionWindow: undefined };
  const after = (changes: Partial<Batch> = {}) => {
    const made = setup();
    made.state.earlier = { ...earlier, ...changes };
    return made;
  };

  test("retries it: what is not said is as there, but for its budgets, and its file need not be there", async () => {
    const { accept, state, clock } = after();
    state.file = undefined;
    const { spec } = await accept({ ...unsaid, retryOf: earlier.id });
    const { inputFileId, endpoint, completionWindow, sla, priority, metadata, routing, webhookUrl } = earlier;
    const same = { inputFileId, endpoint, completionWindow, sla, priority, metadata, routing, webhookUrl };
    expect(spec).toMatchObject({ ...same, outputLifeSeconds: 3_600, retryOf: earlier.id });
    expect(spec).toMatchObject({ maxSpendUsd: undefined, stopOnErrorRate: undefined, resumeFrom: undefined });
    expect(spec.expiresAt - clock.now()).toBe(7_200_000);
    const other = await accept({
      ...unsaid,
      retryOf: earlier.id,
      priority: 0,
      completionWindow: "1h",
      sla: "standard",
    });
    expect(other.spec).toMatchObject({ priority: 0, completionWindow: "1h", sla: "standard", metadata });
  });

  test("resumes it with a file of its own, and takes over nothing else", async () => {
    const { spec } = await after().accept({ resumeFrom: earlier.id });
    expect(spec).toMatchObject({ resumeFrom: earlier.id, retryOf: undefined, inputFileId: file.id });
    expect(spec).toMatchObject({ priority: 0, metadata: undefined, completionWindow: "24h" });
  });

  const retry = { ...unsaid, retryOf: earlier.id };
  const resume = { resumeFrom: earlier.id };
  test.each<[string, Partial<Batch>, Partial<AcceptBatchRequest>, string, string]>([
    ["of another tenant", { tenantId: tenantId("other") }, retry, "not_found", "retry_of"],
    ["of another tenant", { tenantId: tenantId("other") }, resume, "not_found", "resume_from"],
    ["that is none", {}, { ...unsaid, retryOf: "batch_7" }, "not_found", "retry_of"],
    ["that still runs", { status: "in_progress" }, retry, "not_ended", "retry_of"],
    ["that is being cancelled", { status: "cancelling" }, resume, "not_ended", "resume_from"],
    [
      "all of whose lines succeeded",
      { counts: { ...counts, succeeded: 5 } },
      retry,
      "nothing_to_retry",
      "retry_of",
    ],
    ["whose file was not valid", { status: "failed" }, retry, "nothing_to_retry", "retry_of"],
    ["that was retried", { retriedAs: "batch_8" }, retry, "already_retried", "retry_of"],
    ["with another file", {}, { ...retry, inputFileId: file.id }, "invalid_value", "input_file_id"],
    ["for another endpoint", {}, { ...retry, endpoint: "/v1/embeddings" }, "invalid_value", "endpoint"],
    ["for another endpoint", {}, { ...resume, endpoint: "/v1/embeddings" }, "invalid_value", "endpoint"],
  ])("is refused after one %s", async (_what, changes, wish, code, param) => {
    const { accept, created } = after(changes);
    await expect(accept(wish)).rejects.toMatchObject({ code, param });
    expect(created).toEqual([]);
  });
});
