import type { Fields } from "../fields.ts";

/** For tests: a chat completion with two choices, one of which calls tools. */
export const chatAnswer: Fields = {
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1_700_000_000,
  model: "m-1",
  service_tier: "default",
  system_fingerprint: "fp",
  choices: [
    {
      index: 0,
      message: { role: "assistant", content: 'Grüße,\n\u2028"world"', refusal: null, annotations: [] },
      logprobs: null,
      finish_reason: "stop",
    },
    {
      index: 1,
      message: {
        role: "assistant",
        content: null,
        refusal: null,
        tool_calls: [
          { id: "call_1", type: "function", function: { name: "weather", arguments: '{"city":"Köln"}' } },
          { id: "call_2", type: "function", function: { name: "time", arguments: "{}" } },
        ],
      },
      logprobs: null,
      finish_reason: "tool_calls",
    },
  ],
  usage: {
    prompt_tokens: 10,
    completion_tokens: 5,
    total_tokens: 15,
    prompt_tokens_details: { cached_tokens: 4 },
    completion_tokens_details: { reasoning_tokens: 2 },
  },
};

/** For tests: a response with reasoning, text, a refusal and two function calls. */
export const responseAnswer: Fields = {
  id: "resp_1",
  object: "response",
  created_at: 1_700_000_000,
  completed_at: 1_700_000_001,
  status: "completed",
  background: false,
  error: null,
  incomplete_details: null,
  instructions: null,
  max_output_tokens: null,
  model: "m-1",
  output: [
    { id: "rs_1", type: "reasoning", summary: [{ type: "summary_text", text: "It thought." }] },
    {
      id: "msg_1",
      type: "message",
      status: "completed",
      role: "assistant",
      content: [
        { type: "output_text", text: "Hello", annotations: [], logprobs: [] },
        { type: "refusal", refusal: "Not this." },
      ],
    },
    {
      id: "fc_1",
      type: "function_call",
      status: "completed",
      call_id: "call_1",
      name: "weather",
      arguments: '{"city":"Köln"}',
    },
    {
      id: "fc_2",
      type: "function_call",
      status: "completed",
      call_id: "call_2",
      name: "time",
      arguments: "{}",
    },
  ],
  parallel_tool_calls: true,
  previous_response_id: null,
  temperature: 1,
  tool_choice: "auto",
  tools: [],
  top_p: 1,
  metadata: {},
  usage: {
    input_tokens: 10,
    input_tokens_details: { cached_tokens: 4, cache_write_tokens: 0 },
    output_tokens: 5,
    output_tokens_details: { reasoning_tokens: 2 },
    total_tokens: 15,
  },
};

/** For tests: a message with thinking, text and two uses of tools. */
export const messageAnswer: Fields = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "claude",
  content: [
    { type: "thinking", thinking: "Hm.", signature: "c2ln" },
    { type: "text", text: "Hello", citations: null },
    { type: "tool_use", id: "toolu_1", name: "weather", input: { city: "Köln", days: [1, 2] } },
    { type: "tool_use", id: "toolu_2", name: "time", input: {} },
  ],
  container: null,
  stop_reason: "tool_use",
  stop_sequence: null,
  stop_details: null,
  usage: {
    input_tokens: 6,
    cache_creation_input_tokens: 3,
    cache_read_input_tokens: 4,
    output_tokens: 5,
    output_tokens_details: null,
    server_tool_use: null,
    service_tier: "standard",
  },
};
