import fc from "fast-check";
import { describe, test } from "vitest";
import { propertyRuns } from "../../../test/kit/property-runs.ts";
import { translateAnswer } from "./answers/translate-answer.ts";
import { translateError } from "./answers/translate-error.ts";
import type { Fields } from "./fields.ts";
import { createStreamTranslator } from "./live/translate-stream.ts";
import { planCall } from "./requests/plan-call.ts";
import { translateRequest } from "./requests/translate-request.ts";
import { createAccumulator } from "./streams/create-accumulator.ts";
import { streamEventsOf } from "./streams/stream-events-of.ts";
import { chatAnswer, messageAnswer, responseAnswer } from "./testing/samples.ts";

const dialects = ["chat", "responses", "messages"] as const;
const dialect = fc.constantFrom(...dialects);
const defaults = { id: "1", createdAt: 1, model: "m" };

/** Every name and word that any of the dialects knows, so that what is made up gets far. */
const words = [
  ..."role content type text name id index delta choices message messages input output item part response error".split(
    " ",
  ),
  ..."tool_calls function arguments custom tools tool_choice response_format json_schema schema format stop usage".split(
    " ",
  ),
  ..."system instructions content_block content_index output_index summary_index summary partial_json image_url".split(
    " ",
  ),
  ..."url source data media_type call_id tool_use_id finish_reason stop_reason status logprobs output_config".split(
    " ",
  ),
  ..."user assistant tool_use tool_result function_call function_call_output image input_image input_text".split(
    " ",
  ),
  ..."message_start content_block_start content_block_delta content_block_stop message_delta message_stop".split(
    " ",
  ),
  ..."response.created response.output_item.added response.content_part.added response.output_text.delta".split(
    " ",
  ),
  ..."response.reasoning_text.delta response.function_call_arguments.delta response.completed text_delta".split(
    " ",
  ),
  ..."input_json_delta citations_delta __proto__ constructor toString length".split(" "),
];
const word = fc.constantFrom(...words);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.oneof(
      word,
      fc.constantFrom(null, true, 0, 1, -1, 1.5, 1e21, "", "data:image/png;base64,"),
      fc.string(),
    ),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.array(fc.tuple(word, tie("value")), { maxLength: 6 }).map((entries) => {
      const text = entries.map(([key, held]) => `${JSON.stringify(key)}:${JSON.stringify(held)}`).join(",");
      return JSON.parse(`{${text}}`) as unknown;
    }),
  ),
}));
const object = fc
  .array(fc.tuple(word, value), { maxLength: 8 })
  .map((entries) => Object.fromEntries(entries) as Fields);

/** One of these with one of its inner values changed: almost right is worse than wrong. */
function almost(samples: readonly Fields[]) {
  return fc
    .tuple(fc.constantFrom(...samples), fc.infiniteStream(fc.nat(7)), value)
    .map(([sample, picks, other]) => {
      const copy = structuredClone(sample) as Record<string, unknown>;
      let at: Record<string, unknown> = copy;
      for (;;) {
        const keys = Object.keys(at);
        const key = keys[Number(picks.next().value) % Math.max(1, keys.length)] ?? "type";
        const held = at[key];
        if (typeof held !== "object" || held === null || Number(picks.next().value) === 0) {
          at[key] = other;
          return copy as Fields;
        }
        at = held as Record<string, unknown>;
      }
    });
}

const requests: readonly Fields[] = [
  {
    model: "m",
    messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "x" } }] }],
    tools: [{}],
  },
  {
    model: "m",
    input: [{ type: "function_call_output", call_id: "c", output: [{ type: "input_text", text: "" }] }],
  },
  {
    model: "m",
    max_tokens: 1,
    system: [{ type: "text", text: "s" }],
    messages: [
      { role: "assistant", content: [{ type: "tool_use", id: "t", name: "f", input: {} }] },
      {
        role: "user",
        content: [{ type: "tool_result", tool_use_id: "t", content: [{ type: "text", text: "" }] }],
      },
    ],
  },
];
const answers = [chatAnswer, responseAnswer, messageAnswer];
const events = [
  ...streamEventsOf("chat", chatAnswer, { includeUsage: true }),
  ...streamEventsOf("responses", responseAnswer),
  ...streamEventsOf("messages", messageAnswer),
].map(({ data }) => data);

describe("never throws", () => {
  test("for any body of a request", () => {
    fc.assert(
      fc.property(dialect, dialect, fc.oneof(object, almost(requests)), (from, to, body) => {
        translateRequest({ from, to, body });
        planCall(["/v1/messages", "/v1/responses"], "/v1/chat/completions", body);
      }),
      { numRuns: propertyRuns(400) },
    );
  });

  test("for any answer, good or bad", () => {
    fc.assert(
      fc.property(dialect, dialect, fc.oneof(object, almost(answers)), object, (from, to, body, request) => {
        translateAnswer({ from, to, body, request, defaults });
        translateError({ from, to, statusCode: 400, body });
        streamEventsOf(from, body, { includeUsage: true });
      }),
      { numRuns: propertyRuns(400) },
    );
  });

  test("for any events, in any order", () => {
    const event = fc.oneof(object, fc.constantFrom(...events), almost(events));
    fc.assert(
      fc.property(dialect, dialect, fc.array(event, { maxLength: 20 }), (from, to, stream) => {
        const accumulator = createAccumulator(from);
        const translator = createStreamTranslator({ from, to, request: {}, defaults });
        for (const data of stream) {
          accumulator.add(data);
          translator.add(data);
        }
        accumulator.read();
        translator.end();
      }),
      { numRuns: propertyRuns(400) },
    );
  });
});
