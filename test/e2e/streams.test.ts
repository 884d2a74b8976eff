import Anthropic from "anthropic-1";
import OpenAI from "openai";
import type { ResponseStreamEvent } from "openai/resources/responses/responses";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { adminKey, startTestCluster, type TestCluster } from "./kit/cluster.ts";
import { until } from "./kit/until.ts";

const config = `
version: 1
providers:
  quick: { kind: simulator, ttft_ms: 1, tokens_per_second: 2000 }
  slow: { kind: simulator, ttft_ms: 4000, tokens_per_second: 2000 }
  steady: { kind: simulator, ttft_ms: 1, tokens_per_second: 10 }
pools:
  quick: { targets: [{ id: quick, provider: quick, model: sim-8b, price: { input: 1, cached_input: 1, output: 1 } }] }
  slow: { targets: [{ id: slow, provider: slow, model: sim-8b }] }
  steady: { targets: [{ id: steady, provider: steady, model: sim-8b }] }
models:
  quick: { pools: [quick] }
  slow: { pools: [slow] }
  steady: { pools: [steady] }
retry: { max_attempts: 2, base: 10ms, max: 20ms }
`;

let cluster: TestCluster;
let openai: OpenAI;
let anthropic: Anthropic;
beforeAll(async () => {
  cluster = await startTestCluster({ config });
  openai = new OpenAI({ apiKey: adminKey, baseURL: `${cluster.url}/v1`, maxRetries: 0 });
  anthropic = new Anthropic({ apiKey: adminKey, baseURL: cluster.url, maxRetries: 0 });
});
afterAll(() => cluster?.stop());

const asking = (content: string) => [{ role: "user" as const, content }];

/** The job of the newest call to a model, once it has ended. */
function endedJobOf(model: string) {
  return until(`the newest job of ${model} has ended`, async () => {
    const id = (await cluster.api.get(`/v1/jobs?model=${model}&limit=1`)).body.data[0]?.id;
    const { body } = await cluster.api.get(`/v1/jobs/${id}`);
    return body.finished_at === undefined ? undefined : body;
  });
}

const attemptsOf = async (id: string) => (await cluster.api.get(`/v1/jobs/${id}/attempts`)).body.data;

/** Calls an endpoint and reads all of its answer, as text. */
async function call(path: string, body: object, signal?: AbortSignal) {
  const answer = await fetch(`${cluster.url}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${adminKey}`, "content-type": "application/json" },
    body: JSON.stringify({ stream: true, ...body }),
    ...(signal === undefined ? {} : { signal }),
  });
  return { status: answer.status, type: answer.headers.get("content-type"), text: await answer.text() };
}

async function textOf(stream: AsyncIterable<OpenAI.Chat.ChatCompletionChunk>): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
  return text;
}

const streamed = (model: string, content: string) =>
  openai.chat.completions.create({ model, messages: asking(content), stream: true });

describe("a streamed chat completion", () => {
  test("comes in pieces that are together what its job keeps, with usage for who asks", async () => {
    const stream = await openai.chat.completions.create({
      model: "quick",
      messages: asking("Tell me of rivers."),
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = "";
    let pieces = 0;
    let usage: unknown;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? "";
      pieces += 1;
      usage = chunk.usage ?? usage;
    }
    expect(pieces).toBeGreaterThan(5);
    const job = await endedJobOf("quick");
    expect(job.result.body.choices[0].message.content).toBe(text);
    expect(job.result.body.usage).toEqual(usage);
    expect(job.usage.output_tokens).toBeGreaterThan(0);
    expect((await attemptsOf(job.id))[0].first_token_ms).toBeGreaterThan(0);
    const pools = (await cluster.api.get("/v1/pools")).body.data;
    const target = pools
      .flatMap(({ targets }: never) => targets)
      .find(({ id }: { id: string }) => id === "quick");
    expect(target.first_token_ms.p50).toBeGreaterThan(0);
  });

  test("tells no usage to who did not ask", async () => {
    const { text, type } = await call("/v1/chat/completions", { model: "quick", messages: asking("Rain?") });
    expect(type).toBe("text/event-stream");
    expect(text).not.toContain("prompt_tokens");
    expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
  });

  test("is tried elsewhere, unseen, when it fails before the first part", async () => {
    expect(await textOf(await streamed("quick", "[[sim:error-200*1]] A walk."))).not.toBe("");
    const { id } = await endedJobOf("quick");
    expect((await attemptsOf(id)).map(({ outcome }: { outcome: string }) => outcome)).toEqual([
      "malformed",
      "succeeded",
    ]);
  });

  test("ends with an error when its upstream is reset in the middle, and what it cost is known", async () => {
    const stream = await streamed("quick", "[[sim:reset-mid-body]] A sea.");
    let text = "";
    const broken = (async () => {
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
    })();
    await expect(broken).rejects.toMatchObject({ code: "stream_interrupted", type: "server_error" });
    expect(text).not.toBe("");
    const job = await endedJobOf("quick");
    expect(job).toMatchObject({ status: "dead", error: { code: "stream_interrupted" } });
    const [attempt, ...others] = await attemptsOf(job.id);
    expect(others).toEqual([]);
    expect(attempt.usage.output_tokens).toBeGreaterThan(0);
    expect(attempt.cost_usd).toBeGreaterThan(0);
  });

  test("is one delta when its target answers with plain JSON", async () => {
    const messages = asking("[[sim:no-stream]] A hill.");
    const chunks = [];
    for await (const chunk of await openai.chat.completions.create({
      model: "quick",
      messages,
      stream: true,
    }))
      chunks.push(chunk);
    const contents = chunks.map(({ choices }) => choices[0]?.delta.content).filter(Boolean);
    expect(contents).toEqual([(await endedJobOf("quick")).result.body.choices[0].message.content]);
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe("stop");
  });

  test("is answered by a status when it is refused before it begins", async () => {
    const refused = await call("/v1/chat/completions", { model: "quick", messages: asking("[[sim:422]]") });
    expect(refused).toMatchObject({ status: 422, type: expect.stringContaining("application/json") });
    const unknown = await call("/v1/chat/completions", { model: "nobody", messages: asking("Hi") });
    expect(unknown.status).toBe(400);
    const embedding = await call("/v1/embeddings", { model: "quick", input: "a" });
    expect(JSON.parse(embedding.text).error).toMatchObject({ param: "stream", code: "invalid_value" });
  });
});

describe("a streamed message", () => {
  test("comes through Anthropic's helper as its job keeps it", async () => {
    const stream = anthropic.messages.stream({ model: "quick", max_tokens: 60, messages: asking("Snow?") });
    const message = await stream.finalMessage();
    const job = await endedJobOf("quick");
    expect(job.result.body).toMatchObject({ content: message.content, usage: message.usage });
    expect(job.usage.output_tokens).toBe(message.usage.output_tokens);
  });

  test("ends with an error event when its upstream is reset in the middle", async () => {
    const { status, text } = await call("/v1/messages", {
      model: "quick",
      max_tokens: 90,
      messages: asking("[[sim:reset-mid-body]] Ice?"),
    });
    expect(status).toBe(200);
    const [last] = text.trimEnd().split("\n\n").slice(-1);
    expect(last).toMatch(/^event: error\ndata: \{"type":"error","error":\{"type":"api_error"/);
    expect(text).toContain("content_block_delta");
  });
});

describe("a streamed response in the background", () => {
  /** Reads events until `isEnough`, the end of the stream or of its connection. */
  async function readSome(
    stream: () => Promise<AsyncIterable<ResponseStreamEvent>>,
    into: ResponseStreamEvent[],
    isEnough: () => boolean = () => false,
  ): Promise<void> {
    try {
      for await (const event of await stream()) {
        into.push(event);
        if (isEnough()) return;
      }
    } catch {
      // The API is not there; whoever reads comes back.
    }
  }

  test("loses no event and doubles none when the API is killed: its client goes on where it was", async () => {
    const events: ResponseStreamEvent[] = [];
    const create = () =>
      openai.responses.create({
        model: "steady",
        input: "A long story.",
        max_output_tokens: 60,
        background: true,
        stream: true,
      });
    let kill: Promise<void> | undefined;
    await readSome(create, events, () => {
      if (events.length === 8) kill = cluster.kill("api");
      return false;
    });
    await kill;
    const [begin] = events;
    if (begin?.type !== "response.created") throw new Error("it did not begin");
    const { id } = begin.response;
    const interruptedAt = events.length;
    const goOn = () =>
      openai.responses.retrieve(id, {
        stream: true,
        starting_after: events.at(-1)?.sequence_number ?? -1,
      });
    await until("the stream has ended", async () => {
      await readSome(goOn, events);
      return events.at(-1)?.type === "response.incomplete" ? true : undefined;
    });
    expect(interruptedAt).toBeLessThan(events.length);
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, index) => index));
    const again: ResponseStreamEvent[] = [];
    await readSome(() => openai.responses.retrieve(id, { stream: true }), again);
    expect(again).toEqual(events);
    const text = events
      .map((event) => (event.type === "response.output_text.delta" ? event.delta : ""))
      .join("");
    expect((await openai.responses.retrieve(id)).output_text).toBe(text);
  });

  test("ends, and its upstream is called no longer, when it is cancelled; is gone when it is deleted", async () => {
    const events: ResponseStreamEvent[] = [];
    let cancelled: Promise<unknown> | undefined;
    const create = () =>
      openai.responses.create({ model: "steady", input: "Endless.", background: true, stream: true });
    await readSome(create, events, () => {
      const [begin] = events;
      if (events.length === 8 && begin?.type === "response.created")
        cancelled = openai.responses.cancel(begin.response.id);
      return false;
    });
    await cancelled;
    expect(events.at(-1)).toMatchObject({ type: "response.failed", response: { status: "cancelled" } });
    const [begin] = events;
    if (begin?.type !== "response.created") throw new Error("it did not begin");
    await until("the upstream sees that nobody reads", async () => {
      const stats = await cluster.simulators["steady"]?.stats();
      return JSON.stringify(stats).includes('"499":') ? true : undefined;
    });
    await openai.responses.delete(begin.response.id);
    const gone = openai.responses.retrieve(begin.response.id, { stream: true });
    await expect(gone).rejects.toMatchObject({ status: 404 });
  });
});

test("two clients of one call get the same stream: a retry joins it", async () => {
  const body = { model: "steady", messages: asking("[[len]] Twice."), max_tokens: 20 };
  const before = (await cluster.api.get("/v1/jobs?model=steady")).body.data.length;
  const first = call("/v1/chat/completions", body);
  await until("the call runs", async () => {
    const [job] = (await cluster.api.get("/v1/jobs?model=steady&status=running")).body.data;
    return job;
  });
  const answer = await fetch(`${cluster.url}/v1/chat/completions`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${adminKey}`,
      "content-type": "application/json",
      "x-stainless-retry-count": "1",
    },
    body: JSON.stringify({ stream: true, ...body }),
  });
  expect(await answer.text()).toBe((await first).text);
  expect((await cluster.api.get("/v1/jobs?model=steady")).body.data).toHaveLength(before + 1);
});

test("a stream whose worker is killed before its first part comes from another, and its client sees nothing of it", async () => {
  const text = streamed("slow", "A long thought.").then(textOf);
  const running = await until("the call runs", async () => {
    const [job] = (await cluster.api.get("/v1/jobs?model=slow&status=running")).body.data;
    return job;
  });
  await Promise.all([cluster.kill("worker-1"), cluster.kill("worker-2")]);
  expect(await text).not.toBe("");
  expect((await attemptsOf(running.id)).map(({ outcome }: { outcome: string }) => outcome)).toEqual([
    "lost",
    "succeeded",
  ]);
});
