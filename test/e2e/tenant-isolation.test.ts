import { afterAll, beforeAll, expect, test } from "vitest";
import { createApiCaller } from "./kit/api-caller.ts";
import { promptLines, startBatch, toJsonl, untilEnded } from "./kit/batches.ts";
import { adminKey, startTestCluster, type TestCluster } from "./kit/cluster.ts";
import { chatJob } from "./kit/submit.ts";
import { until } from "./kit/until.ts";
import { startWebhookReceiver, type WebhookReceiver } from "./kit/webhook-receiver.ts";

const config = `
version: 1
providers:
  quick: { kind: simulator, ttft_ms: 10, tokens_per_second: 5000 }
pools:
  quick: { targets: [{ id: quick, provider: quick, model: sim-8b }] }
models:
  auto: { pools: [quick] }
webhooks: { allow_networks: ["127.0.0.0/8"] }
`;

let cluster: TestCluster;
let receiver: WebhookReceiver;
/** Every operation that the API describes. */
let operations: { method: string; path: string; family: string | undefined }[];
/** Keys of another tenant than that of the objects. */
let member: string;
let foreignAdmin: string;

beforeAll(async () => {
  receiver = await startWebhookReceiver();
  cluster = await startTestCluster({ config, workers: 1 });
  const { paths } = (await cluster.api.get("/openapi.json")).body;
  operations = Object.entries(paths as Record<string, object>).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({
      method: method.toUpperCase(),
      path,
      family: path.match(/^[^{]*(?=\{)/)?.[0],
    })),
  );
  await cluster.api.post("/v1/tenants", { id: "acme" });
  member = (await cluster.api.post("/v1/keys", { tenant: "acme", name: "member" })).body.key;
  foreignAdmin = (await cluster.api.post("/v1/keys", { tenant: "acme", name: "admin", admin: true })).body
    .key;
});
afterAll(async () => {
  await cluster?.stop();
  receiver?.close();
});

/** Need no key, or are of no tenant: what they show is the same for everybody. */
const shared = /^\/(healthz|readyz|metrics|v1\/webhook_event_types|v1\/models.*)$/;
/** Of the whole cluster: nothing but a 403 for who is no admin. */
const operators = /^\/v1\/(lanes|pools|tenants)(\/|$)/;

const create = async (path: string, body: object): Promise<string> => {
  const answer = await cluster.api.post(path, body);
  if (answer.status >= 300) throw new Error(`${path} was answered ${answer.status}: ${answer.text}`);
  return String(answer.body.id);
};
const line = () => toJsonl(promptLines(1, { model: "auto" }));
const upload = () =>
  create("/v1/uploads", { filename: "a.jsonl", purpose: "batch", bytes: 9, mime_type: "application/jsonl" });
const registered = () =>
  create("/v1/webhook_endpoints", { url: receiver.url, event_types: ["job.succeeded"] });

async function finishedJob(content = "Name three rivers.", more: object = {}): Promise<string> {
  const job = chatJob({ model: "auto", index: 1, maxTokens: 10 }, more);
  const body = { ...job.body, messages: [{ role: "user", content }] };
  const id = await create("/v1/jobs", { ...job, body });
  await until("the job ends", async () => (await cluster.api.get(`/v1/jobs/${id}?wait=30`)).body.finished_at);
  return id;
}

/**
 * How the default tenant comes to an object of each family of paths, by what stands before its id. A new family needs
 * a line here: without one the tests below fail.
 */
const families: Readonly<Record<string, () => Promise<string>>> = {
  "/v1/jobs/": () => finishedJob(),
  "/v1/batches/": async () => {
    const id = await startBatch(cluster.api, line());
    await untilEnded(cluster.openai, id);
    return id;
  },
  "/v1/files/": () => cluster.api.upload(line()),
  "/v1/uploads/": upload,
  "/v1/keys/": () => create("/v1/keys", { name: "theirs" }),
  "/v1/responses/": () =>
    create("/v1/responses", { model: "auto", input: "Name three rivers.", background: true }),
  "/v1/messages/batches/": async () => {
    const messages = [{ role: "user", content: "Name three rivers." }];
    const requests = [{ custom_id: "one", params: { model: "auto", max_tokens: 10, messages } }];
    const id = await create("/v1/messages/batches", { requests });
    return until("the message batch ends", async () => {
      const { body } = await cluster.api.get(`/v1/messages/batches/${id}`);
      return body.processing_status === "ended" ? id : undefined;
    });
  },
  "/v1/webhook_endpoints/": registered,
  "/v1/webhook_deliveries/": async () => {
    await registered();
    await finishedJob();
    return until("a delivery is there", async () => {
      const { body } = await cluster.api.get("/v1/webhook_deliveries");
      return body.data[0]?.id;
    });
  },
};

/** What calls must say beside the id, so that they would work on an object of one's own. */
const bodies: Readonly<Record<string, () => object>> = {
  "/v1/jobs/{id}/feedback": () => ({ score: 1 }),
  "/v1/uploads/{id}/complete": () => ({ part_ids: ["part_1"] }),
  "/v1/uploads/{id}/parts": () => {
    const form = new FormData();
    form.append("data", new Blob(["x"]));
    return form;
  },
  "/v1/webhook_endpoints/{id}/test": () => ({ event_type: "job.dead" }),
  "/v1/webhook_endpoints/{id}/replay": () => ({ since: "1h" }),
};

async function send(key: string, method: string, path: string, body: object = {}) {
  const isForm = body instanceof FormData;
  const answer = await fetch(`${cluster.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      ...(method === "POST" && !isForm ? { "content-type": "application/json" } : {}),
    },
    ...(method === "POST" ? { body: isForm ? body : JSON.stringify(body) } : {}),
  });
  // Answers of one kind differ in the id of their request only.
  return { status: answer.status, text: (await answer.text()).replaceAll(/"req_[^"]*"/g, '"req_"') };
}

/** The operations that name an object of a tenant. */
const owned = () =>
  operations.filter(
    ({ path, family }) => family !== undefined && !shared.test(path) && !operators.test(path),
  );

/** An id that looks as this one and is of nothing. */
const unknownLike = (id: string) => `${id.slice(0, -6)}${id.endsWith("000000") ? "111111" : "000000"}`;

test("another tenant's id answers 404 like an unknown one, at every operation that names one", async () => {
  const unlisted = owned().filter(({ family = "" }) => families[family] === undefined);
  expect(unlisted.map(({ path }) => path)).toEqual([]);
  const ids = new Map<string, string>();
  for (const { family = "" } of owned())
    if (!ids.has(family)) ids.set(family, (await families[family]?.()) ?? "");
  for (const { method, path, family = "" } of owned()) {
    const id = ids.get(family) ?? "";
    const to = (named: string) => path.replace(/\{[^}]*\}/, named);
    for (const [who, key] of Object.entries({ member, foreignAdmin })) {
      const foreign = await send(key, method, to(id), bodies[path]?.());
      const unknown = await send(key, method, to(unknownLike(id)), bodies[path]?.());
      const status = family === "/v1/keys/" && who === "member" ? 403 : 404;
      const what = `${method} ${path} by ${who}`;
      expect([what, foreign.status, unknown.status]).toEqual([what, status, status]);
      expect(foreign.text.replaceAll(id, "ID")).toBe(unknown.text.replaceAll(unknownLike(id), "ID"));
    }
  }
  // And nothing of it was touched.
  for (const { method, path, family = "" } of owned()) {
    if (method !== "GET" || !/^\{\w+\}$/.test(path.slice(family.length))) continue;
    const { status } = await send(adminKey, "GET", `${family}${ids.get(family)}`);
    expect([path, status]).toEqual([path, 200]);
  }
});

test("another tenant's id in a body is as unknown as any", async () => {
  const batch = { endpoint: "/v1/chat/completions", completion_window: "24h" };
  const [file, earlier] = [await cluster.api.upload(line()), await families["/v1/batches/"]?.()];
  const ownFile = await createApiCaller({ url: cluster.url, key: foreignAdmin }).upload(line());
  const response = await families["/v1/responses/"]?.();
  const dead = await finishedJob("[[sim:500]]", { max_attempts: 1 });
  const named: [string, (id: string) => object, string][] = [
    ["/v1/batches", (id) => ({ ...batch, input_file_id: id }), file],
    ["/v1/batches", (id) => ({ ...batch, retry_of: id }), earlier ?? ""],
    ["/v1/batches", (id) => ({ ...batch, input_file_id: ownFile, resume_from: id }), earlier ?? ""],
    ["/v1/responses", (id) => ({ model: "auto", input: "Go on.", previous_response_id: id }), response ?? ""],
    ["/v1/dead-letters/redrive", (id) => ({ filter: { ids: [id] } }), dead],
  ];
  for (const [path, body, id] of named) {
    const foreign = await send(foreignAdmin, "POST", path, body(id));
    const unknown = await send(foreignAdmin, "POST", path, body(unknownLike(id)));
    expect([path, foreign.status]).toEqual([path, unknown.status]);
    expect(foreign.text.replaceAll(id, "ID")).toBe(unknown.text.replaceAll(unknownLike(id), "ID"));
  }
  expect((await cluster.api.get(`/v1/jobs/${dead}`)).body).toMatchObject({ status: "dead" });
  expect((await cluster.api.get(`/v1/jobs/${dead}`)).body.redriven_as).toBeUndefined();
});

test("nobody but an admin may name a tenant, at any operation", async () => {
  for (const { method, path } of operations) {
    if (!path.startsWith("/v1/")) continue;
    const { status } = await send(member, method, `${path.replaceAll(/\{[^}]*\}/g, "x")}?tenant=default`);
    expect([method, path, status]).toEqual([method, path, 403]);
  }
});

test("what operators do needs an admin key", async () => {
  for (const { method, path } of operations.filter((operation) => operators.test(operation.path))) {
    const { status } = await send(member, method, path.replaceAll(/\{[^}]*\}/g, "x"));
    expect([method, path, status]).toEqual([method, path, 403]);
  }
});

test("every list shows the own tenant, and to an admin another one with ?tenant=", async () => {
  for (const family of new Set(owned().map((operation) => operation.family ?? "")))
    await families[family]?.();
  await finishedJob("[[sim:500]]", { max_attempts: 1 });
  await until("nothing is under way that would still tell of its end", async () => {
    const { body } = await cluster.api.get("/v1/jobs?status=queued,running,waiting");
    return body.data.length === 0 ? true : undefined;
  });
  const lists = operations.filter(
    ({ method, path, family }) =>
      method === "GET" &&
      path.startsWith("/v1/") &&
      family === undefined &&
      !shared.test(path) &&
      !operators.test(path),
  );
  for (const { path } of lists) {
    const read = async (key: string, query = "") => idsIn((await send(key, "GET", `${path}${query}`)).text);
    const own = await read(adminKey);
    const theirs = await read(foreignAdmin);
    expect([path, await read(foreignAdmin, "?tenant=default")]).toEqual([path, own]);
    expect([path, await read(adminKey, "?tenant=acme")]).toEqual([path, theirs]);
    if (path !== "/v1/keys") expect([path, await read(member)]).toEqual([path, theirs]);
    expect([path, own.length > 0]).toEqual([path, true]);
    expect([path, own.filter((id) => theirs.includes(id))]).toEqual([path, []]);
  }
});

/** What stands for an object in an answer: ids, or a secret. */
function idsIn(text: string): string[] {
  const { data, secret } = JSON.parse(text);
  return secret === undefined
    ? data.map(({ id, job_id: job }: { id?: string; job_id?: string }) => id ?? job)
    : [secret];
}
