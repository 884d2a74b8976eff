import type { AppendChunk, JobId, StreamChunk, WorkerId } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { lineBytesOf, setup, startOf, success, t0, tenant, waiting } from "./testing/setup.ts";

async function setupStream() {
  const s = await setup();
  const run = await s.started({ streamed: true });
  const owner = { jobId: run.job.id, epoch: run.epoch, workerId: run.workerId };
  const append = (first: number, last: number, changes: Partial<AppendChunk> = {}) =>
    s.ledger.appendEvents([{ ...owner, ...chunk(first, last), ...changes }]);
  const read = async (jobId: JobId = run.job.id, after = -1) =>
    (await s.ledger.readStreams([{ jobId, after }]))[0];
  return { ...s, run, owner, append, read };
}

const chunk = (first: number, last: number): StreamChunk => ({
  first,
  last,
  data: Buffer.from(`data: ${first} to ${last}\0\n\n`),
});

describe("the events of a stream", () => {
  test("are read from any place on, in order, as they were written, also many chunks of a flush", async () => {
    const { ledger, owner, append, read, run } = await setupStream();
    await append(0, 2);
    await ledger.appendEvents([3, 6, 9].map((first) => ({ ...owner, ...chunk(first, first + 2) })));
    const all = [chunk(0, 2), chunk(3, 5), chunk(6, 8), chunk(9, 11)];
    expect(await read()).toEqual({ chunks: all, isOver: false });
    expect(await read(run.job.id, 4)).toEqual({ chunks: all.slice(1), isOver: false });
    expect(await read(run.job.id, 5)).toEqual({ chunks: all.slice(2), isOver: false });
    expect(await read(run.job.id, 11)).toEqual({ chunks: [], isOver: false });
    expect(await ledger.findLastEvent(run.job.id)).toBe(11);
  });

  test("come for many readers in one look, each from its own place", async () => {
    const { ledger, append, owner, accepted } = await setupStream();
    const other = await accepted({ streamed: true });
    await append(0, 1);
    const { jobId } = owner;
    const places = [
      { jobId, after: 1 },
      { jobId: other.id, after: -1 },
      { jobId, after: -1 },
    ];
    const news = await ledger.readStreams(places);
    expect(news.map(({ chunks }) => chunks.length)).toEqual([0, 0, 1]);
    expect(await ledger.readStreams([])).toEqual([]);
  });

  test("are over when the job has ended and the rest of them is read", async () => {
    const { ledger, owner, append, read, run, newIds } = await setupStream();
    for (let first = 0; first < 17; first += 1) await append(first, first);
    await ledger.settle([success(run, newIds())]);
    const part = await read();
    expect(part?.isOver).toBe(false);
    expect(part?.chunks.map(({ first }) => first)).toEqual([...Array(16).keys()]);
    expect(await read(owner.jobId, 15)).toEqual({ chunks: [chunk(16, 16)], isOver: true });
  });

  test("of a job that is not there are over", async () => {
    const { ledger, read, spec } = await setupStream();
    expect(await read(spec().id)).toEqual({ chunks: [], isOver: true });
    expect(await ledger.findLastEvent(spec().id)).toBeUndefined();
  });

  test("are gone when they are dropped, those of other jobs are not", async () => {
    const { ledger, append, read, started, owner } = await setupStream();
    const other = await started({ streamed: true });
    await append(0, 2);
    await append(0, 2, { jobId: other.job.id, workerId: other.workerId });
    await ledger.dropEvents(owner.jobId);
    expect((await read())?.chunks).toEqual([]);
    expect((await read(other.job.id))?.chunks).toHaveLength(1);
  });

  test("are kept once when the answer to their commit was lost", async () => {
    const { append, read } = await setupStream();
    expect(await append(0, 2)).toEqual(["written"]);
    expect(await append(0, 2)).toEqual(["written"]);
    expect((await read())?.chunks).toEqual([chunk(0, 2)]);
  });
});

describe("an attempt that does not own its job", () => {
  type Stream = Awaited<ReturnType<typeof setupStream>>;
  test.each<[string, (stream: Stream) => Promise<unknown>]>([
    ["has been settled", ({ ledger, run, newIds }) => ledger.settle([success(run, newIds())])],
    [
      "waits for its next attempt",
      ({ ledger, run }) => ledger.settle([waiting(run, { avoidTarget: false, spentAttempt: true })]),
    ],
    [
      "was cancelled",
      ({ ledger, run, newIds }) => ledger.cancelJob(tenant, run.job.id, t0, newIds(), lineBytesOf),
    ],
    [
      "runs in another attempt",
      async ({ ledger, run }) => {
        await ledger.settle([waiting(run, { avoidTarget: false, spentAttempt: true })]);
        await ledger.startAttempts([startOf(run.job, run.workerId, 1)]);
      },
    ],
  ])("adds nothing: it %s", async (_, happens) => {
    const stream = await setupStream();
    await happens(stream);
    expect(await stream.append(0, 2)).toEqual(["fenced"]);
    expect((await stream.read())?.chunks).toEqual([]);
  });

  test("adds nothing under the name of another worker", async () => {
    const { append, register, read } = await setupStream();
    const other: WorkerId = await register();
    expect(await append(0, 2, { workerId: other })).toEqual(["fenced"]);
    expect((await read())?.chunks).toEqual([]);
  });

  test("never gets an event in beside the step that takes its job away", async () => {
    const { ledger, started, open, newIds } = await setupStream();
    const other = open();
    for (let round = 0; round < 20; round += 1) {
      const run = await started({ streamed: true });
      const owner = { jobId: run.job.id, epoch: run.epoch, workerId: run.workerId };
      const [[written]] = await Promise.all([
        ledger.appendEvents([{ ...owner, ...chunk(0, 0) }]),
        other.cancelJob(tenant, run.job.id, t0, newIds(), lineBytesOf),
      ]);
      const [news] = await ledger.readStreams([{ jobId: run.job.id, after: -1 }]);
      expect(news).toEqual({ chunks: written === "written" ? [chunk(0, 0)] : [], isOver: true });
    }
  });
});

test("a job that is loaded again says whether its stream has begun", async () => {
  const { load, run, append } = await setupStream();
  expect(await load(run.job)).toMatchObject({ streamed: true });
  expect((await load(run.job))?.streamBegan).toBeUndefined();
  await append(0, 2);
  expect(await load(run.job)).toMatchObject({ streamBegan: true });
});

test("how long the first part of an answer took is read with the attempt", async () => {
  const { ledger, run, newIds } = await setupStream();
  await ledger.settle([{ ...success(run, newIds()), firstTokenMs: 12.5 }]);
  expect(await ledger.listAttempts(tenant, run.job.id)).toMatchObject([{ firstTokenMs: 12.5 }]);
});
