import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, test } from "vitest";
import { SluiceApiError, SluiceConnectionError, SluiceJobError, SluiceTimeoutError } from "./errors.ts";
import { resultOf } from "./job-status.ts";
import { Sluice } from "./sluice.ts";
import { answered, chat, job } from "./testing/job.ts";
import { client, json, refusal, reset, setup } from "./testing/scripted-server.ts";

test("a submission is tried again under its own key until it is accepted, as the API and its delays say", async () => {
  const { sluice, received, sleptMs } = await setup([
    reset,
    refusal(503, "ledger_unavailable", { "retry-after": "2" }),
    refusal(429, "enqueued_tokens_exceeded", { "retry-after-ms": "1500" }),
    (response) => void response.writeHead(202).end('{"id": "job_'),
    json(202, job()),
  ]);
  expect(await sluice.jobs.submit(chat("Hello"))).toEqual(job());
  expect(sleptMs).toEqual([500, 2000, 1500, 4000]);
  expect(new Set(received.map(({ headers }) => headers["idempotency-key"])).size).toBe(1);
  expect(new Set(received.map(({ body }) => body))).toEqual(new Set([JSON.stringify(chat("Hello"))]));
  expect(received[0]).toMatchObject({
    method: "POST",
    path: "/v1/jobs",
    headers: { authorization: "Bearer sk-test", "content-type": "application/json" },
  });
  await sluice.jobs.submit(chat("Hello"));
  expect(received.at(-1)?.headers["idempotency-key"]).not.toBe(received[0]?.headers["idempotency-key"]);
  await sluice.jobs.submit(chat("Hello"), { idempotencyKey: "mine" });
  expect(received.at(-1)?.headers["idempotency-key"]).toBe("mine");
});

test.each([
  ["the request is wrong", refusal(400, "unknown_model")],
  ["the API says that another try is pointless", refusal(503, "queue_full", { "x-should-retry": "false" })],
  ["it should wait longer than a minute", refusal(429, "enqueued_tokens_exceeded", { "retry-after": "61" })],
])("no second try is made when %s", async (_, answer) => {
  const { sluice, received } = await setup([answer]);
  await expect(sluice.jobs.submit(chat("Hello"))).rejects.toBeInstanceOf(SluiceApiError);
  expect(received).toHaveLength(1);
});

test("an error tells what the API said", async () => {
  const { sluice } = await setup([refusal(429, "enqueued_tokens_exceeded", { "retry-after": "90" })]);
  await expect(sluice.jobs.get("job_1")).rejects.toMatchObject({
    name: "SluiceApiError",
    message: "429 it is enqueued_tokens_exceeded",
    status: 429,
    code: "enqueued_tokens_exceeded",
    type: "invalid_request_error",
    param: "body.model",
    requestId: "req_1",
    retryAfter: 90,
  });
  const { sluice: behindProxy } = await setup([(response) => void response.writeHead(403).end("<html>")]);
  await expect(behindProxy.jobs.get("job_1")).rejects.toMatchObject({
    status: 403,
    code: undefined,
    body: "<html>",
  });
});

test("retries end, and the last failure is thrown with what lies under it", async () => {
  const { sluice, received } = await setup([reset], { maxRetries: 2 });
  await expect(sluice.jobs.submit(chat("Hello"))).rejects.toBeInstanceOf(SluiceConnectionError);
  expect(received).toHaveLength(3);
  const closed = createServer().listen(0, "127.0.0.1");
  await once(closed, "listening");
  const { port } = closed.address() as AddressInfo;
  await new Promise((resolve) => closed.close(resolve));
  const { sluice: nowhere } = client({ baseUrl: `http://127.0.0.1:${port}`, maxRetries: 0 });
  await expect(nowhere.jobs.get("job_1")).rejects.toThrow(/fetch failed: .*ECONNREFUSED/);
});

test("a call that gets no answer in time is tried again, and one that is aborted is not", async () => {
  const { sluice, received, expire } = await setup([() => expire(), json(202, job())]);
  expect(await sluice.jobs.submit(chat("Hello"))).toEqual(job());
  expect(received).toHaveLength(2);

  const stopped = new AbortController();
  const never = await setup([() => stopped.abort(new Error("enough"))]);
  await expect(never.sluice.jobs.submit(chat("Hello"), { signal: stopped.signal })).rejects.toThrow("enough");
  await expect(never.sluice.jobs.wait("job_1", { signal: stopped.signal })).rejects.toThrow("enough");
  await expect(never.sluice.jobs.stream("job_1", { signal: stopped.signal }).next()).rejects.toThrow(
    "enough",
  );
  expect(never.received).toHaveLength(1);
});

test("a wait outlasts faults far beyond the retries of a call, and ends with the job", async () => {
  const outage = Array.from({ length: 30 }, (_, index) =>
    index % 2 === 0 ? reset : refusal(503, "ledger_unavailable"),
  );
  const { sluice, received } = await setup([
    json(200, job("running")),
    ...outage,
    json(200, job("waiting")),
    json(200, answered("succeeded", 200, { answer: 42 })),
  ]);
  const ended = await sluice.jobs.wait<{ answer: number }>(job());
  expect(resultOf(ended).answer).toBe(42);
  expect(received).toHaveLength(33);
  expect(received[0]?.path).toBe("/v1/jobs/job_1?wait=30");
});

test("a wait gives up after ten minutes without any answer, and at once for what is no outage", async () => {
  const { sluice, sleptMs } = await setup([reset]);
  await expect(sluice.jobs.wait("job_1")).rejects.toBeInstanceOf(SluiceConnectionError);
  const slept = sleptMs.reduce((sum, ms) => sum + ms, 0);
  expect(slept).toBeGreaterThan(600_000);
  expect(slept).toBeLessThan(610_000);
  const { sluice: other, received } = await setup([refusal(404, "not_found")]);
  await expect(other.jobs.wait("job_2")).rejects.toMatchObject({ code: "not_found" });
  expect(received).toHaveLength(1);
});

test("a wait ends when its time is over", async () => {
  const { sluice, expire } = await setup([json(200, job("running")), () => expire()]);
  const waiting = sluice.jobs.wait("job_1", { timeoutMs: 80 });
  await expect(waiting).rejects.toBeInstanceOf(SluiceTimeoutError);
  await expect(waiting).rejects.toMatchObject({ jobId: "job_1" });
});

test("many jobs are waited for a few at a time, and each is given when it has ended", async () => {
  let atOnce = 0;
  let most = 0;
  const five = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const { sluice, received } = await setup([
    async (response, { path }) => {
      atOnce += 1;
      most = Math.max(most, atOnce);
      if (atOnce === 5) five.resolve();
      await five.promise;
      const id = /job_\d+/.exec(path)?.[0] ?? "";
      if (id === "job_0") await gate.promise;
      atOnce -= 1;
      response.end(JSON.stringify({ ...answered("succeeded", 200, id), id }));
    },
  ]);
  const jobs = Array.from({ length: 100 }, (_, index) => ({ id: `job_${index}` }));
  const seen: unknown[] = [];
  for await (const ended of sluice.jobs.waitAll(jobs, { concurrency: 5 })) {
    seen.push(resultOf(ended));
    if (seen.length === 99) gate.resolve();
  }
  expect(seen.at(-1)).toBe("job_0");
  expect(new Set(seen).size).toBe(100);
  expect(received).toHaveLength(100);
  expect(most).toBe(5);
});

test("who stops waiting for many ends what is under way, and a job that is not there ends it with its error", async () => {
  const closed = Promise.withResolvers<void>();
  const { sluice } = await setup([
    (response, { path }) => {
      if (path.includes("job_0")) return void response.end(JSON.stringify(answered("succeeded", 200, 1)));
      response.once("close", closed.resolve);
    },
  ]);
  for await (const _ of sluice.jobs.waitAll(["job_0", "job_1"])) break;
  await closed.promise;
  const { sluice: other } = await setup([refusal(404, "not_found")]);
  await expect(other.jobs.waitAll(["job_1", "job_2"]).next()).rejects.toMatchObject({ code: "not_found" });
});

test("run submits and waits; every ending resolves, and resultOf throws for those without success", async () => {
  const failed = answered("failed", 400, { error: { message: "no" } });
  const { sluice, received } = await setup([json(202, job()), json(200, failed)]);
  const ended = await sluice.jobs.run(chat("Hello"));
  expect(ended).toEqual(failed);
  expect(() => resultOf(ended)).toThrow(SluiceJobError);
  expect(() => resultOf(ended)).toThrow("job_1 is failed: the upstream answered 400");
  expect(received.map(({ path }) => path)).toEqual(["/v1/jobs", "/v1/jobs/job_1?wait=30"]);
});

test("a list is walked through all its pages, also those without a match", async () => {
  const page = (ids: string[], last_id: string | null, has_more: boolean) =>
    json(200, { object: "list", data: ids.map((id) => ({ id })), last_id, has_more });
  const { sluice, received } = await setup([
    page(["a", "b"], "b", true),
    page([], "c", true),
    page(["d"], "d", false),
  ]);
  const ids: string[] = [];
  const filter = {
    status: ["queued", "running"],
    model: "auto",
    metadata: { "a b": "ü&" },
    limit: 2,
  } as const;
  for await (const { id } of sluice.jobs.list(filter)) ids.push(id);
  expect(ids).toEqual(["a", "b", "d"]);
  const queries = received.map(({ path }) => Object.fromEntries(new URL(path, "http://x").searchParams));
  const asked = { status: "queued,running", model: "auto", "metadata.a b": "ü&", limit: "2" };
  expect(queries).toEqual([asked, { ...asked, after: "b" }, { ...asked, after: "c" }]);
});

test("the other calls go where the API has them", async () => {
  const { sluice, received } = await setup([json(200, { data: [] })]);
  await sluice.jobs.cancel("job_1");
  await sluice.jobs.attempts(job());
  await sluice.jobs.route("job_1");
  await sluice.jobs.preview(chat("Hello"));
  await sluice.jobs.feedback("job_1", { score: 0.5, labels: ["short"] });
  await sluice.jobs.get("../keys");
  expect(received.map(({ method, path }) => `${method} ${path}`)).toEqual([
    "POST /v1/jobs/job_1/cancel",
    "GET /v1/jobs/job_1/attempts",
    "GET /v1/jobs/job_1/route",
    "POST /v1/route",
    "POST /v1/jobs/job_1/feedback",
    "GET /v1/jobs/..%2Fkeys",
  ]);
  expect(received[4]?.body).toBe('{"score":0.5,"labels":["short"]}');
});

test("a base URL is taken with or without what clients of OpenAI write at its end, and a key is asked for", () => {
  for (const end of ["", "/", "/v1", "/v1/"]) {
    expect(new Sluice({ baseUrl: `http://cluster:8080${end}`, apiKey: "k" }).baseUrl).toBe(
      "http://cluster:8080",
    );
  }
  expect(() => new Sluice({ baseUrl: "cluster:8080", apiKey: "k" })).toThrow("begins with http");
  expect(() => new Sluice({ apiKey: " " })).toThrow("SLUICE_API_KEY");
});
