import type { JobToRun, ModelCall, Outcome, ServerSentEvent, StreamProgress } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { setupWorker } from "../../../test/kit/fakes/worker-setup.ts";
import { sampleTarget } from "../../../test/kit/samples.ts";
import { processJob } from "./process-job.ts";

const timed = { latencyMs: 20, sentAfterMs: 1, firstTokenMs: 7 };
const reset: Outcome = { kind: "unreachable", reason: "ECONNRESET", ...timed };

const chunk = (delta: object, finish: string | null = null): ServerSentEvent => ({
  name: undefined,
  data: JSON.stringify({ id: "c1", choices: [{ index: 0, delta, finish_reason: finish }] }),
});
const role = chunk({ role: "assistant", content: "" });
const text = (content: string) => chunk({ content });
const last = chunk({}, "stop");
const usage: ServerSentEvent = { name: undefined, data: '{"choices":[],"usage":{"prompt_tokens":3}}' };
const done: ServerSentEvent = { name: undefined, data: "[DONE]" };

/** A call that gives these events to the sink and succeeds when they say so. */
function upstream(events: readonly ServerSentEvent[], otherwise: Outcome = reset) {
  return ({ stream }: ModelCall): Outcome => {
    let progress: StreamProgress = { kind: "more", began: false };
    for (const event of events) {
      progress = stream?.take(event) ?? progress;
      if (progress.kind !== "more") break;
    }
    if (progress.kind === "broken") return { kind: "malformed", reason: progress.reason, ...timed };
    if (progress.kind === "more") return otherwise;
    const answer = {
      statusCode: 200,
      contentType: "application/json",
      body: progress.body,
      requestId: "up-1",
    };
    return { kind: "succeeded", answer, usage: undefined, ...timed };
  };
}

async function setup(job: Partial<JobToRun> = {}) {
  const worker = await setupWorker({ targets: [sampleTarget("one"), sampleTarget("two")] });
  const deadlineAt = worker.clock.now() + 900_000;
  const put = worker.ledger.put({
    deadlineAt,
    streamed: true,
    endpoint: "/v1/chat/completions",
    maxAttempts: 3,
    ...job,
  });
  const written = () => worker.ledger.chunks.map(({ data }) => data.toString()).join("");
  return { ...worker, job: put, written };
}

const asChunk = ({ name, data }: ServerSentEvent) =>
  `${name === undefined ? "" : `event: ${name}\n`}data: ${data}\n\n`;

describe("a streamed job", () => {
  test("commits each event once, in order, and what they come to is its result", async () => {
    const { run, job, models, ledger, written } = await setup();
    models.script.push(upstream([role, text("Hel"), text("lo"), last, usage, done]));
    expect(await run(job)).toMatchObject({ kind: "done" });
    expect(written()).toBe([role, text("Hel"), text("lo"), last].map(asChunk).join(""));
    expect(ledger.chunks.map(({ first, last: end }) => [first, end])).toEqual([
      [0, 0],
      [1, 3],
    ]);
    const [settlement] = ledger.settlements;
    expect(settlement).toMatchObject({ firstTokenMs: 7, next: { kind: "end", state: "succeeded" } });
    const body = settlement?.next.kind === "end" ? settlement.next.result?.body : undefined;
    const answer: unknown = body?.kind === "inline" ? JSON.parse(body.bytes.toString()) : undefined;
    expect(answer).toMatchObject({
      object: "chat.completion",
      choices: [{ message: { role: "assistant", content: "Hello" }, finish_reason: "stop" }],
      usage: { prompt_tokens: 3 },
    });
  });

  test("numbers the events of a response after its first two, under our id", async () => {
    const { run, job, models, written, ledger } = await setup({ endpoint: "/v1/responses" });
    const named = (type: string, fields: object) => ({
      name: type,
      data: JSON.stringify({ type, sequence_number: 90, ...fields }),
    });
    const response = { id: "theirs", status: "completed", output: [] };
    models.script.push(
      upstream([
        named("response.created", { response }),
        named("response.in_progress", { response }),
        named("response.output_text.delta", { delta: "a", output_index: 0 }),
        named("response.completed", { response }),
      ]),
    );
    expect(await run(job)).toMatchObject({ kind: "done" });
    const events = written().split("\n\n").filter(Boolean);
    const data = events.map((event) => JSON.parse(event.replace(/^event: .*\ndata: /, "")) as object);
    expect(data).toMatchObject([
      { type: "response.in_progress", sequence_number: 2, response: { id: job.id.replace("job_", "resp_") } },
      { type: "response.output_text.delta", sequence_number: 3 },
    ]);
    expect(ledger.chunks[0]).toMatchObject({ first: 2 });
  });

  test("is retried unseen when its attempt fails before any of the answer", async () => {
    const { run, job, models, ledger, written, clock } = await setup();
    models.script.push(upstream([role]), upstream([role, text("b"), last, done]));
    expect(await run(job)).toMatchObject({ kind: "later" });
    expect(ledger.chunks).toEqual([]);
    await clock.advance(10_000);
    expect(await run(job)).toMatchObject({ kind: "done" });
    expect(written()).toBe([role, text("b"), last].map(asChunk).join(""));
    expect(models.calls.map(({ target }) => target.id)).toEqual(["one", "two"]);
  });

  test.each<[string, readonly ServerSentEvent[], string]>([
    ["the connection is reset", [role, text("a"), text("b")], "unreachable"],
    [
      "the upstream says that it failed",
      [text("a"), text("b"), { name: undefined, data: '{"error":{}}' }],
      "malformed",
    ],
    ["it ends too early", [text("a"), text("b"), done], "malformed"],
    ["an event is no JSON", [text("a"), text("b"), { name: undefined, data: "{" }], "malformed"],
  ])("ends for good when %s after some of the answer", async (_, events, outcome) => {
    const { run, job, models, ledger, written } = await setup();
    models.script.push(upstream(events));
    expect(await run(job)).toEqual({ kind: "failed", code: "stream_interrupted" });
    expect(ledger.at(job.id)).toMatchObject({ state: "dead", attempts: 1 });
    expect(written().endsWith(asChunk(text("b")))).toBe(true);
    expect(ledger.settlements).toMatchObject([
      { outcome, usage: { inputTokens: job.inputTokens, outputTokens: 2 } },
    ]);
    expect(ledger.settlements[0]?.costUsd).toBeGreaterThan(0);
  });

  test("ends for good when its worker died after some of the answer", async () => {
    const { run, job, models, ledger, clock, ports, shutdown, lease } = await setup();
    models.script.push(
      (call) =>
        new Promise(() => {
          call.stream?.take(text("a"));
        }),
    );
    void processJob(ports, job.id, shutdown);
    await clock.advance(100);
    expect(ledger.chunks).toHaveLength(1);
    ledger.leases.delete(lease.workerId);
    ledger.returnOrphans();
    ledger.leases.set(lease.workerId, Number.POSITIVE_INFINITY);
    expect(await run(job)).toEqual({ kind: "failed", code: "stream_interrupted" });
    expect(models.calls).toHaveLength(1);
  });

  test("aborts its call when the job has gone on without it", async () => {
    const { run, job, models, ledger } = await setup();
    models.script.push(
      (call) =>
        new Promise((resolve) => {
          call.signal.addEventListener("abort", () =>
            resolve({ kind: "aborted", reason: call.signal.reason as "cancelled", ...timed }),
          );
          ledger.overtake(job.id, "cancelled");
          call.stream?.take(text("a"));
        }),
    );
    expect(await run(job)).toMatchObject({ kind: "later" });
    expect(ledger.chunks).toEqual([]);
    expect(ledger.fenced).toMatchObject([{ outcome: "aborted" }]);
  });

  test("holds its upstream back while the ledger does not answer, and loses nothing", async () => {
    const { run, job, models, ledger, written, clock } = await setup();
    const events = Array.from({ length: 40 }, (_, index) => text(`${index} ${"x".repeat(10_000)}`));
    ledger.faults.arm("appendEvents", 3);
    ledger.faults.arm("appendEvents", 1, "after");
    models.script.push(async ({ stream }) => {
      let waited = 0;
      for (const event of events) {
        stream?.take(event);
        const room = stream?.room();
        if (room !== undefined) waited += 1;
        await room;
      }
      expect(waited).toBeGreaterThan(0);
      return upstream([last, done])({ stream } as ModelCall);
    });
    expect(await run(job)).toMatchObject({ kind: "done" });
    expect(written()).toBe([...events, last].map(asChunk).join(""));
    expect(clock.pendingTimers()).toBeLessThan(4);
  });

  test("is asked for no stream when its client follows none", async () => {
    const { run, job, models } = await setup({ streamed: false });
    models.script.push(reset);
    await run(job);
    expect(models.calls[0]?.stream).toBeUndefined();
  });
});
