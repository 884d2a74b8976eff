import { idFromUuid, type Job } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { checkOpenaiValue } from "../../../../test/kit/check-openai.ts";
import { sampleJob } from "../../../../test/kit/samples.ts";
import { renderResponse, responseEnding, underOurId } from "./response-view.ts";

const uuid = "01a1f9bb-75c5-7006-93a4-fd71de43e5c4";
const id = idFromUuid("response", uuid);
const request = { model: "auto", input: "Hello", temperature: 0.5, user: "ann", metadata: { night: "1" } };
const text = { type: "output_text", text: "Hi.", annotations: [], logprobs: [] };
const message = { id: "msg_1", type: "message", role: "assistant", status: "completed", content: [text] };
const answer = {
  id: "resp_of_the_upstream",
  object: "response",
  created_at: 1,
  status: "completed",
  model: "gpt-4o-mini-2024-07-18",
  output: [message],
  usage: { input_tokens: 3, output_tokens: 2, total_tokens: 5 },
  background: false,
  previous_response_id: null,
  instructions: null,
  tools: null,
};

const job: Job = {
  ...sampleJob,
  id: idFromUuid("job", uuid),
  response: "background",
  acceptedAt: 1_795_000_000_500,
  state: "queued",
  epoch: 0,
  notBeforeAt: undefined,
};

/** A job's view, held against OpenAI's description. */
function view(changes: Partial<Job>, body?: unknown, asked: unknown = request) {
  const bytes = (value: unknown) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
  const shown = renderResponse(
    { ...job, ...changes },
    bytes(asked),
    body === undefined ? undefined : bytes(body),
  );
  const parsed: Record<string, unknown> = JSON.parse(shown);
  checkOpenaiValue("Response", parsed);
  return parsed;
}

describe("a background response", () => {
  test("repeats what was asked for from the first moment, under the time of its acceptance", () => {
    expect(view({})).toMatchObject({
      id,
      object: "response",
      status: "queued",
      background: true,
      created_at: 1_795_000_000,
      temperature: 0.5,
      top_p: null,
      metadata: { night: "1" },
      user: "ann",
      output: [],
    });
  });

  test("is in progress from its first attempt on, also while it waits for another", () => {
    expect(view({ state: "waiting", epoch: 0 })["status"]).toBe("queued");
    expect(view({ state: "running", epoch: 1 })["status"]).toBe("in_progress");
    expect(view({ state: "waiting", epoch: 1 })["status"]).toBe("in_progress");
  });

  test("has the upstream's answer under our id when it has succeeded, with what that leaves out", () => {
    expect(view({ state: "succeeded", finishedAt: 1_795_000_009_000 }, answer)).toMatchObject({
      id,
      status: "completed",
      created_at: 1_795_000_000,
      completed_at: 1_795_000_009,
      model: "gpt-4o-mini-2024-07-18",
      background: true,
      output: [message],
      tools: [],
      usage: { input_tokens: 3, input_tokens_details: { cached_tokens: 0 } },
    });
  });

  test("ends as the upstream says: incomplete with its reason, failed with its error", () => {
    const cut = { ...answer, status: "incomplete", incomplete_details: { reason: "max_output_tokens" } };
    expect(view({ state: "succeeded" }, cut)).toMatchObject({
      status: "incomplete",
      incomplete_details: { reason: "max_output_tokens" },
      completed_at: null,
    });
    const broken = { ...answer, status: "failed", error: { code: "server_error", message: "Broken." } };
    expect(view({ state: "succeeded" }, broken)).toMatchObject({ status: "failed", error: broken.error });
  });

  test("fails with the upstream's words when it was refused, and with ours when nothing answered it", () => {
    const refusal = { error: { message: "Too long.", type: "invalid_request_error" } };
    expect(view({ state: "failed" }, refusal)).toMatchObject({
      status: "failed",
      error: { code: "invalid_prompt", message: "Too long." },
      output: [],
    });
    const failure = { code: "job_expired", message: "The deadline passed." };
    for (const state of ["dead", "expired"] as const) {
      expect(view({ state, failure })).toMatchObject({
        status: "failed",
        error: { code: "server_error", message: "The deadline passed. (job_expired)" },
      });
    }
    expect(view({ state: "cancelled", failure })).toMatchObject({ status: "cancelled", error: null });
  });

  test("fails when what came is no response", () => {
    for (const body of [{ id: "x", object: "chat.completion" }, "no JSON", [1]])
      expect(view({ state: "succeeded" }, body)).toMatchObject({ status: "failed", output: [] });
  });
});

test("a stored response keeps the upstream's time, and names the one that it goes on from", () => {
  const previousResponse = idFromUuid("response", uuid);
  expect(view({ response: "stored", previousResponse, state: "succeeded" }, answer)).toMatchObject({
    created_at: 1,
    background: false,
    previous_response_id: previousResponse,
  });
});

test("an ending is read from the answer's own status, and nothing else counts as one", () => {
  const ending = (text: string) => responseEnding(Buffer.from(text));
  expect(ending('{"output":[{"status":"failed"}],"status":"completed"}')).toBe("completed");
  expect(ending('{"output":[],"status" : "incomplete"}')).toBe("incomplete");
  expect(ending('{"status":"failed","output":[]}')).toBe("failed");
  expect(ending('{"output":[]}')).toBe("completed");
  expect(ending('{"id":"x"}')).toBe("failed");
});

test("our id takes the place of the upstream's, and every other byte stays", () => {
  const bytes = '{ "object":"response", "id" : "theirs","big":12345678901234567890, "inner":{"id":"x"} }';
  expect(underOurId(id, Buffer.from(bytes)).toString()).toBe(bytes.replace('"theirs"', `"${id}"`));
  expect(underOurId(id, Buffer.from("[1]")).toString()).toBe("[1]");
});
