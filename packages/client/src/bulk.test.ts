import type { ServerResponse } from "node:http";
import { array, assert, asyncProperty, constant, constantFrom, nat, oneof, record } from "fast-check";
import { expect, test } from "vitest";
import { SluiceApiError, SluiceConnectionError } from "./errors.ts";
import { chat } from "./testing/job.ts";
import { type Answer, type Received, refusal, reset, setup } from "./testing/scripted-server.ts";
import type { BulkAnswer, BulkRequest } from "./types.ts";

/** A cluster that knows each line by its key, and breaks calls and refuses lines as it is told. */
function cluster(
  fault: (call: number) => {
    breakAfter?: number;
    refuse?: (line: number) => object | undefined;
  } = () => ({}),
) {
  const jobs = new Map<string, string>();
  let calls = 0;
  const answer: Answer = async (response: ServerResponse, { body }: Received) => {
    const { breakAfter = Number.POSITIVE_INFINITY, refuse } = fault(calls++);
    response.writeHead(200, { "content-type": "application/x-ndjson" });
    for (const [index, text] of body.trimEnd().split("\n").entries()) {
      const line = JSON.parse(text) as BulkRequest;
      const key = line.idempotency_key ?? "";
      const error = refuse?.(index);
      if (error === undefined && !jobs.has(key)) jobs.set(key, `job_${jobs.size}`);
      if (index >= breakAfter) return void response.socket?.destroy();
      const told = error === undefined ? { index, id: jobs.get(key) } : { index, error };
      await new Promise((resolve) => response.write(`${JSON.stringify(told)}\n`, resolve));
    }
    response.end();
  };
  return { jobs, answer };
}

async function collect(answers: AsyncIterable<BulkAnswer>) {
  const seen: BulkAnswer[] = [];
  for await (const answer of answers) seen.push(answer);
  return seen;
}

const requests = (count: number) => Array.from({ length: count }, (_, index) => chat(`Question ${index}`));

test("every request is answered in its order, in calls of 500", async () => {
  const { answer, jobs } = cluster();
  const { sluice, received } = await setup([answer]);
  const answers = await collect(sluice.jobs.bulk(requests(1234)));
  expect(answers.map(({ index }) => index)).toEqual(Array.from({ length: 1234 }, (_, index) => index));
  expect(new Set(answers.map(({ id }) => id)).size).toBe(1234);
  expect(jobs.size).toBe(1234);
  expect(received.map(({ body }) => body.trimEnd().split("\n").length).sort()).toEqual([234, 500, 500]);
  expect(received[0]).toMatchObject({
    path: "/v1/jobs/bulk",
    headers: { "content-type": "application/x-ndjson" },
  });
});

test("what a broken call has not answered is sent again, and makes no second job", async () => {
  const { answer, jobs } = cluster((call) => (call < 8 ? { breakAfter: 70 * call } : {}));
  const { sluice } = await setup([reset, refusal(503, "ledger_unavailable"), answer]);
  const answers = await collect(sluice.jobs.bulk(requests(900), { concurrency: 2 }));
  expect(answers.map(({ index }) => index)).toEqual(Array.from({ length: 900 }, (_, index) => index));
  expect(answers.every(({ id }) => id !== undefined)).toBe(true);
  expect(jobs.size).toBe(900);
});

test("whatever breaks, each request is one job, and the answers keep their order", async () => {
  const fault = oneof(
    record({ reset: constant(true) }),
    record({ status: constantFrom(429, 500, 503) }),
    record({ breakAfter: nat(40) }),
    record({ noRoomFor: nat(5) }),
    constant({}),
  );
  const run = async (faults: readonly Fault[]) => {
    const { answer, jobs } = cluster((call) => {
      const { breakAfter, noRoomFor } = faults[call] ?? {};
      return {
        ...(breakAfter === undefined ? {} : { breakAfter }),
        ...(noRoomFor === undefined
          ? {}
          : { refuse: (line: number) => (line % 6 === noRoomFor ? full : undefined) }),
      };
    });
    let calls = 0;
    const { sluice } = await setup(
      [
        (response, received) => {
          const { reset: isReset, status } = faults[calls++] ?? {};
          if (isReset) return reset(response, received);
          if (status !== undefined) return refusal(status, "fault")(response, received);
          return answer(response, received);
        },
      ],
      { maxRetries: faults.length },
    );
    const answers = await collect(sluice.jobs.bulk(requests(30)));
    expect(answers.map(({ index }) => index)).toEqual(Array.from({ length: 30 }, (_, index) => index));
    expect(new Set(answers.map(({ id }) => id))).toEqual(new Set(jobs.values()));
    expect(jobs.size).toBe(30);
  };
  await assert(asyncProperty(array(fault, { maxLength: 12 }), run), { numRuns: 40 });
});

interface Fault {
  readonly reset?: boolean;
  readonly status?: number;
  readonly breakAfter?: number;
  readonly noRoomFor?: number;
}

test("the same requests under the same key make the same jobs, and a request keeps a key of its own", async () => {
  const { answer, jobs } = cluster();
  const { sluice } = await setup([answer]);
  const all = [chat("a"), chat("b", { idempotency_key: "mine" }), chat("c")];
  const first = await collect(sluice.jobs.bulk(all.slice(0, 2), { idempotencyKey: "night" }));
  const second = await collect(sluice.jobs.bulk(all, { idempotencyKey: "night" }));
  expect(second.slice(0, 2)).toEqual(first);
  expect([...jobs.keys()]).toEqual(["night:0", "mine", "night:2"]);
  await collect(sluice.jobs.bulk(all));
  expect(jobs.size).toBe(5);
});

const wrong = {
  message: "no",
  type: "invalid_request_error",
  param: "endpoint",
  code: "invalid_value",
  status: 400,
};
const full = { message: "full", type: "server_error", param: null, code: "queue_full", status: 503 };

test("a line that is wrong is answered by its error, and lines that find no room are sent until they do", async () => {
  const noRoom = { ...full, retry_after: 7 };
  const { answer } = cluster((call) => ({
    refuse: (line) => (call === 0 && line === 1 ? wrong : call < 20 ? noRoom : undefined),
  }));
  const { sluice, received, sleptMs } = await setup([answer]);
  expect(await collect(sluice.jobs.bulk(requests(3)))).toEqual([
    { index: 0, id: "job_0" },
    { index: 1, error: wrong },
    { index: 2, id: "job_1" },
  ]);
  expect(sleptMs).toEqual(Array.from({ length: 20 }, () => 7000));
  expect(received.map(({ body }) => body.trimEnd().split("\n").length)).toEqual([
    3,
    ...Array.from({ length: 20 }, () => 2),
  ]);
});

test("lines for which there is no room in ten minutes are answered so, and the rest goes on", async () => {
  const noRoom = { ...full, retry_after: 3600 };
  const { answer } = cluster(() => ({ refuse: (line) => (line > 0 ? noRoom : undefined) }));
  const { sluice, sleptMs } = await setup([answer]);
  const { answer: never } = cluster(() => ({ refuse: () => noRoom }));
  expect(await collect((await setup([never])).sluice.jobs.bulk(requests(2)))).toEqual([
    { index: 0, error: noRoom },
    { index: 1, error: noRoom },
  ]);
  // One finds room with each call, so nobody gives up.
  const answers = await collect(sluice.jobs.bulk(requests(40)));
  expect(answers.map(({ id }) => id)).toEqual(Array.from({ length: 40 }, (_, index) => `job_${index}`));
  expect(sleptMs).toEqual(Array.from({ length: 39 }, () => 30_000));
});

test("a call that is refused as a whole ends the iteration with that error, as does an API that stays away", async () => {
  const wrongKey = await setup([refusal(401, "invalid_api_key")]);
  await expect(collect(wrongKey.sluice.jobs.bulk(requests(2000)))).rejects.toBeInstanceOf(SluiceApiError);
  const away = await setup([reset], { maxRetries: 1 });
  await expect(collect(away.sluice.jobs.bulk(requests(1)))).rejects.toBeInstanceOf(SluiceConnectionError);
});

test("requests are read only as far as answers are taken", async () => {
  const { sluice } = await setup([cluster().answer]);
  let read = 0;
  async function* endless() {
    for (;;) {
      read += 1;
      yield chat("again");
    }
  }
  const answers = sluice.jobs.bulk(endless(), { concurrency: 2 });
  let taken = 0;
  for await (const _ of answers) {
    taken += 1;
    expect(read).toBeLessThanOrEqual(Math.ceil(taken / 500) * 500 + 3 * 500);
    if (taken === 5000) break;
  }
  expect(read).toBeGreaterThanOrEqual(5000);
});

test("a request that is made of the answer before it is not waited for", async () => {
  const { sluice } = await setup([cluster().answer]);
  let last = "none";
  let gate = Promise.withResolvers<void>();
  async function* chain() {
    for (let turn = 0; turn < 3; turn += 1) {
      yield chat(`after ${last}`);
      await gate.promise;
    }
  }
  const ids: string[] = [];
  for await (const { id = "" } of sluice.jobs.bulk(chain())) {
    ids.push(id);
    last = id;
    gate.resolve();
    gate = Promise.withResolvers();
    if (ids.length === 3) gate.resolve();
  }
  expect(ids).toEqual(["job_0", "job_1", "job_2"]);
});

test("an error of the source is thrown after the answers to what it gave before", async () => {
  const { sluice } = await setup([cluster().answer]);
  async function* broken() {
    yield* requests(3);
    throw new Error("the file ends here");
  }
  const seen: BulkAnswer[] = [];
  const reading = (async () => {
    for await (const answer of sluice.jobs.bulk(broken())) seen.push(answer);
  })();
  await expect(reading).rejects.toThrow("the file ends here");
  expect(seen).toHaveLength(3);
});

test("who stops reading ends the source, and an abort ends everything", async () => {
  const { sluice } = await setup([cluster().answer]);
  let isClosed = false;
  async function* source() {
    try {
      for (;;) yield chat("again");
    } finally {
      isClosed = true;
    }
  }
  for await (const _ of sluice.jobs.bulk(source())) break;
  expect(isClosed).toBe(true);

  const stopped = new AbortController();
  const silent = await setup([() => stopped.abort(new Error("enough"))]);
  await expect(collect(silent.sluice.jobs.bulk(source(), { signal: stopped.signal }))).rejects.toThrow(
    "enough",
  );
});
