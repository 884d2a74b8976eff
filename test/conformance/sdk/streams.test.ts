import type Anthropic from "anthropic-1";
import type OpenAI from "openai";
import type { ResponseStreamEvent } from "openai/resources/responses/responses";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestCluster, type TestCluster } from "../../e2e/kit/cluster.ts";
import { checkOpenaiValue } from "../../kit/check-openai.ts";
import { anthropicCalls, openaiCalls } from "./kit/calls.ts";
import {
  anthropicClient,
  anthropicVersions,
  openaiClient,
  openaiVersions,
  type SdkClient,
} from "./kit/clients.ts";

const config = `
version: 1
providers:
  quick: { kind: simulator, ttft_ms: 1, tokens_per_second: 2000 }
  steady: { kind: simulator, ttft_ms: 1, tokens_per_second: 100 }
pools:
  quick: { targets: [{ id: quick, provider: quick, model: sim-8b }] }
  steady: { targets: [{ id: steady, provider: steady, model: sim-8b }] }
models:
  quick: { pools: [quick] }
  steady: { pools: [steady] }
`;

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster({ config });
});
afterAll(() => cluster?.stop());

/** OpenAI's own events have null here before the end, which its description does not say. */
const withoutNullUsage = (event: ResponseStreamEvent): unknown =>
  JSON.parse(JSON.stringify(event), (key, value) => (key === "usage" && value === null ? undefined : value));

const asking = (content: string) => [{ role: "user" as const, content }];

describe.each(openaiVersions)("the client of OpenAI of version %s", (version) => {
  let client: SdkClient<OpenAI>;
  let openai: OpenAI;
  beforeAll(() => {
    client = openaiClient(version, cluster.url, { maxRetries: 0 });
    openai = client.sdk;
  });

  test("reads a chat completion as it comes, with its usage", async () => {
    const stream = await openai.chat.completions.create({
      model: "quick",
      messages: asking(`Tell ${version} of rivers.`),
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = [];
    for await (const chunk of stream) {
      checkOpenaiValue("CreateChatCompletionStreamResponse", chunk);
      chunks.push(chunk);
    }
    expect(chunks.length).toBeGreaterThan(5);
    expect(chunks.at(-1)?.usage?.completion_tokens).toBeGreaterThan(0);
  });

  test("puts a chat completion together with its helper", async () => {
    const stream = openai.chat.completions.stream({
      model: "quick",
      messages: asking(`Tell ${version} of hills.`),
    });
    let text = "";
    stream.on("content", (delta) => {
      text += delta;
    });
    expect(await stream.finalContent()).toBe(text);
    expect(text).not.toBe("");
    expect((await stream.finalChatCompletion()).choices[0]?.finish_reason).toBe("stop");
  });

  test("throws an error of the API when a stream breaks off", async () => {
    const messages = asking(`[[sim:reset-mid-body]] Tell ${version} of ice.`);
    const stream = openai.chat.completions.stream({ model: "quick", messages });
    await expect(stream.finalContent()).rejects.toMatchObject({ code: "stream_interrupted" });
  });

  const numbersOf = (events: readonly { readonly sequence_number: number }[]) =>
    events.map((event) => event.sequence_number);

  async function readAll(stream: AsyncIterable<ResponseStreamEvent>): Promise<ResponseStreamEvent[]> {
    const events = [];
    for await (const event of stream) {
      checkOpenaiValue("ResponseStreamEvent", withoutNullUsage(event));
      events.push(event);
    }
    return events;
  }

  test("reads a response as it comes, numbered without gaps, under the id by which it is read again", async () => {
    const input = `Tell ${version} of lakes.`;
    const events = await readAll(await openai.responses.create({ model: "quick", input, stream: true }));
    expect(events.slice(0, 3).map(({ type }) => type)).toEqual([
      "response.created",
      "response.queued",
      "response.in_progress",
    ]);
    expect(numbersOf(events)).toEqual(events.map((_, index) => index));
    const last = events.at(-1);
    if (last?.type !== "response.completed") throw new Error(`it ended as ${last?.type}`);
    expect(await openai.responses.retrieve(last.response.id)).toMatchObject({
      output: last.response.output,
      usage: last.response.usage,
    });
  });

  test("follows a response in the background, and again from any place", async () => {
    const input = `Tell ${version} of seas.`;
    const created = await openai.responses.create({ model: "steady", input, background: true, stream: true });
    const first: ResponseStreamEvent[] = [];
    for await (const event of created) {
      first.push(event);
      if (event.type === "response.output_text.delta") break;
    }
    const [begin] = first;
    if (begin?.type !== "response.created") throw new Error("it did not begin");
    const { id } = begin.response;
    const rest = await readAll(
      await openai.responses.retrieve(id, {
        stream: true,
        starting_after: first.at(-1)?.sequence_number ?? -1,
      }),
    );
    const all = await readAll(await openai.responses.retrieve(id, { stream: true }));
    expect([...first, ...rest]).toEqual(all);
    expect(all.at(-1)?.type).toBe("response.completed");
  });

  test("puts a response together with its helper, anew or from where it stopped", async () => {
    const input = `Tell ${version} of bays.`;
    const stream = openai.responses.stream({ model: "quick", input, background: true });
    const response = await stream.finalResponse();
    expect(response.status).toBe("completed");
    const seen: number[] = [];
    const again = openai.responses.stream({ response_id: response.id, starting_after: 4 });
    again.on("event", ({ sequence_number }) => seen.push(sequence_number));
    expect((await again.finalResponse()).output).toEqual(response.output);
    expect(seen[0]).toBe(5);
  });

  test("hears that a response broke off", async () => {
    const input = `[[sim:reset-mid-body]] Tell ${version} of mud.`;
    const events = await readAll(await openai.responses.create({ model: "quick", input, stream: true }));
    expect(events.at(-1)).toMatchObject({
      type: "response.failed",
      response: { status: "failed", error: { code: "server_error" } },
    });
    expect(numbersOf(events)).toEqual(events.map((_, index) => index));
  });

  test("has made every call of the table", () => {
    expect(client.missing(openaiCalls.streams)).toEqual([]);
  });
});

describe.each(anthropicVersions)("the client of Anthropic of version %s", (version) => {
  let client: SdkClient<Anthropic>;
  let anthropic: Anthropic;
  beforeAll(() => {
    client = anthropicClient(version, cluster.url, { maxRetries: 0 });
    anthropic = client.sdk;
  });

  test("reads a message as it comes", async () => {
    const stream = await anthropic.messages.create({
      model: "quick",
      max_tokens: 50,
      messages: asking(`Tell ${version} of snow.`),
      stream: true,
    });
    const types = new Set<string>();
    for await (const { type } of stream) types.add(type);
    expect([...types]).toEqual([
      "message_start",
      "content_block_start",
      "content_block_delta",
      "content_block_stop",
      "message_delta",
      "message_stop",
    ]);
  });

  test("puts a message together with its helper", async () => {
    const stream = anthropic.messages.stream({
      model: "quick",
      max_tokens: 50,
      messages: asking(`Tell ${version} of rain.`),
    });
    let text = "";
    stream.on("text", (delta) => {
      text += delta;
    });
    const message = await stream.finalMessage();
    expect(message.content).toMatchObject([{ type: "text", text }]);
    expect(message.usage.output_tokens).toBeGreaterThan(0);
  });

  test("throws an error of the API when a stream breaks off", async () => {
    const messages = asking(`[[sim:reset-mid-body]] Tell ${version} of fog.`);
    const stream = anthropic.messages.stream({ model: "quick", max_tokens: 50, messages });
    await expect(stream.finalMessage()).rejects.toMatchObject({
      error: { error: { type: "api_error" } },
    });
  });

  test("has made every call of the table", () => {
    expect(client.missing(anthropicCalls.streams)).toEqual([]);
  });
});
