import type { Dialect } from "../dialect.ts";
import { createChatAccumulator } from "./accumulate-chat.ts";
import { createMessagesAccumulator } from "./accumulate-messages.ts";
import { createResponsesAccumulator } from "./accumulate-responses.ts";
import type { Accumulator } from "./accumulator.ts";

/** Makes an accumulator for one stream of a dialect (without the `[DONE]` of chat completions, which is no JSON). */
export function createAccumulator(dialect: Dialect): Accumulator {
  switch (dialect) {
    case "chat":
      return createChatAccumulator();
    case "responses":
      return createResponsesAccumulator();
    case "messages":
      return createMessagesAccumulator();
  }
}
