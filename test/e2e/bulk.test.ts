import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { adminKey, startTestCluster, type TestCluster } from "./kit/cluster.ts";
import { chatJob } from "./kit/submit.ts";
import { until } from "./kit/until.ts";

const config = `
version: 1
providers:
  slow: { kind: simulator, ttft_ms: 60000, tokens_per_second: 5000, concurrency: 1 }
  quick: { kind: simulator, ttft_ms: 10, tokens_per_second: 5000 }
pools:
  slow: { targets: [{ id: slow, provider: slow, model: sim-70b }] }
  quick: { targets: [{ id: quick, provider: quick, model: sim-8b }] }
models:
  slow: { pools: [slow] }
  quick: { pools: [quick] }
`;

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster({ config });
});
afterAll(() => cluster?.stop());

const jobLine = (index: number, model: string, more: object = {}) =>
  JSON.stringify(chatJob({ model, index, maxTokens: 20 }, more));

/** A call whose lines go out as they are written. */
function openBulk(headers: Record<string, string> = {}) {
  const call = request(`${cluster.url}/v1/jobs/bulk`, {
    method: "POST",
    headers: { authorization: `Bearer ${adminKey}`, "content-type": "application/x-ndjson", ...headers },
  });
  call.flushHeaders();
  return call;
}

async function send(lines: readonly string[], headers: Record<string, string> = {}) {
  const call = openBulk(headers);
  const response = once(call, "response") as Promise<[IncomingMessage]>;
  call.end(`${lines.join("\n")}\n`);
  const [answer] = await response;
  const answers = (await text(answer)).trimEnd().split("\n");
  return { status: answer.statusCode, answers: answers.map((line) => JSON.parse(line)) };
}

test("each line is answered before the next is sent, after a 200 at once", async () => {
  const call = openBulk();
  const [answer] = (await once(call, "response")) as [IncomingMessage];
  expect(answer.statusCode).toBe(200);
  expect(answer.headers["content-type"]).toBe("application/x-ndjson");
  expect(answer.headers["x-request-id"]).toMatch(/^req_/);
  const reader = answer[Symbol.asyncIterator]();
  for (const index of [0, 1]) {
    call.write(`${jobLine(index, "quick")}\n`);
    const told = JSON.parse(String((await reader.next()).value));
    expect(told).toEqual({ index, id: expect.stringMatching(/^job_/) });
    const job = await until("the job ends", async () => {
      const { body } = await cluster.api.get(`/v1/jobs/${told.id}?wait=30`);
      return body.status === "succeeded" ? body : undefined;
    });
    expect(job.model).toBe("quick");
  }
  call.end();
  expect((await reader.next()).done).toBe(true);
});

test("a client that sends everything before it reads gets every answer, in order", async () => {
  const call = openBulk();
  const [answer] = (await once(call, "response")) as [IncomingMessage];
  // Answers to these lines are several MB: no buffer of a socket or of the server holds them.
  const count = 30_000;
  const isGood = (index: number) => index % 100 === 0;
  for (let index = 0; index < count; index += 1) {
    const line = isGood(index)
      ? jobLine(index, "slow", { metadata: { unread: `${index}` } })
      : `{"endpoint":7}`;
    if (!call.write(`${line}\n`)) await once(call, "drain");
  }
  await new Promise<void>((resolve) => call.end(resolve));
  await until("the last job is accepted while nothing has been read", async () => {
    const { data } = (await cluster.api.get(`/v1/jobs?metadata.unread=${count - 100}`)).body;
    return data.length === 1 ? true : undefined;
  });
  const answers = (await text(answer)).trimEnd().split("\n");
  expect(answers).toHaveLength(count);
  for (const [index, line] of answers.entries()) {
    const told = JSON.parse(line);
    expect(told.index).toBe(index);
    expect(isGood(index) ? told.id : told.error.code).toMatch(
      isGood(index) ? /^job_/ : /^invalid_value$|^missing/,
    );
  }
});

test("keys make one job of a line, in the same call and in a later one", async () => {
  const lines = [
    jobLine(1, "slow", { idempotency_key: "a" }),
    jobLine(1, "slow", { idempotency_key: "a" }),
    jobLine(2, "slow", { idempotency_key: "a" }),
    jobLine(3, "slow"),
  ];
  const first = await send(lines, { "idempotency-key": "whole" });
  const [one, same, other, byPlace] = first.answers;
  expect(same).toEqual({ index: 1, id: one.id, replayed: true });
  expect(other).toMatchObject({ index: 2, error: { code: "idempotency_key_reused", status: 422 } });
  const again = await send(lines, { "idempotency-key": "whole" });
  expect(again.answers).toMatchObject([
    { id: one.id, replayed: true },
    { id: one.id, replayed: true },
    { error: { code: "idempotency_key_reused" } },
    { id: byPlace.id, replayed: true },
  ]);
});

test("another content type or a compressed one is refused, and so is a call without a key", async () => {
  const json = await cluster.api.post("/v1/jobs/bulk", {});
  expect(json).toMatchObject({ status: 415, body: { error: { code: "unsupported_media_type" } } });
  for (const [headers, status] of [
    [{ authorization: "Bearer sk-wrong" }, 401],
    [{ "content-encoding": "gzip" }, 415],
  ] as const) {
    const call = openBulk(headers);
    const response = once(call, "response") as Promise<[IncomingMessage]>;
    call.end(`${jobLine(1, "slow")}\n`);
    expect((await response)[0].statusCode).toBe(status);
  }
});

test("a server that stops answers what it has read and ends the call; the lines are known to the next", async () => {
  const line = jobLine(1, "slow", { idempotency_key: "stop" });
  const call = openBulk();
  const [answer] = (await once(call, "response")) as [IncomingMessage];
  const reader = answer[Symbol.asyncIterator]();
  call.write(`${line}\n`);
  const told = JSON.parse(String((await reader.next()).value));
  call.on("error", () => undefined);
  call.write('{"half');
  const polled = cluster.api.get(`/v1/jobs/${told.id}?wait=60`);
  polled.catch(() => undefined);
  // By the time that later calls are answered, the one that waits has been read.
  for (let call = 0; call < 3; call += 1) await cluster.api.get(`/v1/jobs/${told.id}`);
  await cluster.supervised.kill("api", "SIGTERM");
  expect((await reader.next()).done).toBe(true);
  expect(await polled).toMatchObject({ status: 200, body: { id: told.id } });
  await until("the API is back", async () =>
    (await cluster.api.get("/readyz")).status === 200 ? true : undefined,
  );
  expect((await send([line])).answers).toEqual([{ index: 0, id: told.id, replayed: true }]);
});

test("the document of the API describes the lines, and its metrics count the calls", async () => {
  const { paths } = (await cluster.api.get("/openapi.json")).body;
  const { content } = paths["/v1/jobs/bulk"].post.requestBody;
  expect(content["application/x-ndjson"].schema.properties).toHaveProperty("idempotency_key");
  expect(Object.keys(paths)).toEqual(
    expect.arrayContaining(["/v1/jobs/{id}/events", "/v1/jobs/{id}/feedback", "/v1/jobs/{id}/attempts"]),
  );
  const metrics = (await cluster.api.get("/metrics")).text;
  expect(metrics).toMatch(
    /sluice_http_requests_total{route="\/v1\/jobs\/bulk",method="POST",status="200"} \d/,
  );
});
