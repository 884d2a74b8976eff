import { EventEmitter } from "node:events";
import { type Job, type JobFailure, type LeavingCall, tenantId } from "@sluice/domain";
import type { FastifyReply, FastifyRequest } from "fastify";
import { describe, expect, test } from "vitest";
import { createFakeClock } from "../../../../test/kit/fakes/fake-clock.ts";
import { createMemoryFiles } from "../../../../test/kit/fakes/memory-files.ts";
import { createCountingIds, createRecordingLogger } from "../../../../test/kit/fakes/records.ts";
import { sampleJob } from "../../../../test/kit/samples.ts";
import type { ApiPorts } from "../api-ports.ts";
import { answerCall } from "./answer-call.ts";
import { waitForCall } from "./wait-for-call.ts";

/** A call that waits for a job until its waiter is told otherwise. */
function setup(leaveJob: () => Promise<{ deliveryIds: `dlv_${string}`[] } | undefined>) {
  const left: LeavingCall[] = [];
  const removed: string[] = [];
  const announced: string[] = [];
  const logger = createRecordingLogger();
  const ports = {
    ledger: {
      findJob: async () => sampleJob,
      leaveJob(call: LeavingCall) {
        left.push(call);
        return leaveJob();
      },
    },
    lanes: { remove: async (_model: string, ids: string[]) => void removed.push(...ids) },
    deliveries: { add: async (items: { id: string }[]) => void announced.push(...items.map(({ id }) => id)) },
    waiter: {
      wait: (_id: string, _ms: number, signal: AbortSignal) =>
        new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve())),
    },
    clock: createFakeClock(),
    ids: createCountingIds(),
    logger,
  } as unknown as ApiPorts;
  const raw = Object.assign(new EventEmitter(), { destroyed: false, writableEnded: false });
  const headers = new Map<string, string>();
  const reply = { raw, header: (name: string, value: string) => headers.set(name, value) };
  const request = { headers: {}, caller: { tenantId: tenantId("acme") } };
  const server = new AbortController();
  const held = {
    request: request as unknown as FastifyRequest,
    reply: reply as unknown as FastifyReply,
    closing: server.signal,
  };
  const key = { route: "POST /v1/messages", key: "k", bodySha256: Buffer.alloc(32) };
  const call = { jobId: sampleJob.id, key, replayed: true, streamed: false, model: "auto" };
  const waiting = waitForCall(ports, held, call);
  return { waiting, raw, server, headers, left, removed, announced, logger };
}

describe("a call that waits", () => {
  test("is told to call again when the server stops, and its job is let be", async () => {
    const { waiting, server, headers, left } = setup(async () => undefined);
    server.abort();
    await expect(waiting).rejects.toMatchObject({ code: "wait_interrupted", retryAfterSeconds: 1 });
    expect(Object.fromEntries(headers)).toEqual({
      "x-sluice-job-id": sampleJob.id,
      "idempotent-replayed": "true",
    });
    expect(left).toEqual([]);
  });

  test("leaves its job when the client hangs up; one that ends with it is taken out of its lane and told", async () => {
    const { waiting, raw, left, removed, announced } = setup(async () => ({ deliveryIds: ["dlv_1"] }));
    raw.emit("close");
    expect(await waiting).toBeUndefined();
    expect(left).toMatchObject([{ tenantId: "acme", jobId: sampleJob.id, key: { key: "k" } }]);
    expect([removed, announced]).toEqual([[sampleJob.id], ["dlv_1"]]);
  });

  test("leaves a job alone that goes on without it, and one that the ledger does not answer for", async () => {
    const goesOn = setup(async () => undefined);
    goesOn.raw.emit("close");
    expect(await goesOn.waiting).toBeUndefined();
    expect(goesOn.removed).toEqual([]);
    const away = setup(() => Promise.reject(new Error("away")));
    away.raw.emit("close");
    expect(await away.waiting).toBeUndefined();
    expect(away.removed).toEqual([]);
  });

  test("is no hang-up when the answer has been sent", async () => {
    const { waiting, raw, server, left } = setup(async () => undefined);
    raw.writableEnded = true;
    raw.emit("close");
    server.abort();
    await expect(waiting).rejects.toMatchObject({ code: "wait_interrupted" });
    expect(left).toEqual([]);
  });
});

test("who still waits for a job that the others gave up is told to call again, not that it was cancelled", async () => {
  const answer = (failure: JobFailure) => {
    const job: Job = { ...sampleJob, state: "cancelled", result: undefined, failure };
    return answerCall({ files: createMemoryFiles() }, {} as FastifyReply, job);
  };
  await expect(answer({ code: "caller_gone", message: "" })).rejects.toMatchObject({
    code: "wait_interrupted",
  });
  await expect(answer({ code: "job_cancelled", message: "" })).rejects.toMatchObject({
    code: "call_cancelled",
  });
});
