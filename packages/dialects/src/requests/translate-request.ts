import type { Dialect } from "../dialect.ts";
import type { Fields } from "../fields.ts";
import type { NeutralRequest } from "./neutral-request.ts";
import { readChatRequest } from "./read-chat.ts";
import { readMessagesRequest } from "./read-messages.ts";
import { readResponsesRequest } from "./read-responses.ts";
import { createReader, type Reader } from "./read-values.ts";
import { createRefusals, type Refusal, type Refusals } from "./refusals.ts";
import { writeChatRequest } from "./write-chat.ts";
import { writeMessagesRequest } from "./write-messages.ts";
import { writeResponsesRequest } from "./write-responses.ts";

/** Messages must bound their answer: the most tokens of one whose request does not, unless the caller knows better. */
export const defaultMaxTokens = 4096;

export interface RequestToTranslate {
  readonly from: Dialect;
  readonly to: Dialect;
  /** The parsed body in `from`. */
  readonly body: Fields;
  /** The target's own name of the model; without it `model` stays. */
  readonly model?: string;
  /** `max_tokens` of messages when the request states no bound. Default {@link defaultMaxTokens}. */
  readonly maxTokens?: number;
}

export type TranslatedRequest =
  | { readonly kind: "translated"; readonly body: Fields }
  | ({ readonly kind: "refused" } & Refusal);

/**
 * Says a request in another dialect. What cannot be carried over refuses the whole request, naming the field
 * (docs/translation.md has the table); nothing but the hints named there is dropped. Whether it streams is the
 * caller's to add. Between equal dialects there is nothing to translate, and the body is the same.
 */
export function translateRequest(asked: RequestToTranslate): TranslatedRequest {
  const { from, to, body, model = body["model"] } = asked;
  if (from === to) return { kind: "translated", body: { ...body, model } };
  const refusals = createRefusals();
  const request = readers[from](createReader(refusals), body);
  refusePrefill(refusals, asked, request);
  const written = write(refusals, to, request, asked.maxTokens ?? defaultMaxTokens);
  const refusal = refusals.first();
  return refusal === undefined
    ? { kind: "translated", body: { model, ...written } }
    : { kind: "refused", ...refusal };
}

const readers: Readonly<Record<Dialect, (reader: Reader, body: Fields) => NeutralRequest>> = {
  chat: readChatRequest,
  responses: readResponsesRequest,
  messages: readMessagesRequest,
};

function write(refusals: Refusals, to: Dialect, request: NeutralRequest, maxTokens: number): Fields {
  switch (to) {
    case "chat":
      return writeChatRequest(refusals, request);
    case "responses":
      return writeResponsesRequest(refusals, request);
    case "messages":
      return writeMessagesRequest(refusals, request, maxTokens);
  }
}

/** Messages go on with an answer that the client begins; OpenAI's dialects begin a new one. */
function refusePrefill(
  refusals: Refusals,
  { from, to }: RequestToTranslate,
  { turns }: NeutralRequest,
): void {
  const last = turns.at(-1);
  if (last?.kind !== "assistant" || (from !== "messages" && to !== "messages")) return;
  refusals.refuse(last.at, "begins the answer, which means something else in messages");
}
