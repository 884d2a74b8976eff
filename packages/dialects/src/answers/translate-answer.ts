import type { Dialect } from "../dialect.ts";
import type { Fields } from "../fields.ts";
import { createReader, type Reader } from "../requests/read-values.ts";
import { createRefusals, type Refusal, type Refusals } from "../requests/refusals.ts";
import type { AnswerDefaults, NeutralAnswer } from "./neutral-answer.ts";
import { readChatAnswer, readMessagesAnswer, readResponsesAnswer } from "./read-answers.ts";
import { writeChatAnswer } from "./write-chat-answer.ts";
import { writeMessagesAnswer } from "./write-messages-answer.ts";
import { writeResponsesAnswer } from "./write-responses-answer.ts";

export interface AnswerToTranslate {
  /** What the target speaks. */
  readonly from: Dialect;
  /** What the client speaks. */
  readonly to: Dialect;
  /** The parsed body of a good answer (2xx, no error inside). */
  readonly body: Fields;
  /** The client's own request: responses repeat parts of it. */
  readonly request: Fields;
  readonly defaults: AnswerDefaults;
}

export type TranslatedAnswer =
  | { readonly kind: "translated"; readonly body: Fields }
  /** It is not what its dialect describes, or holds what was not asked for and cannot be carried over. */
  | ({ readonly kind: "refused" } & Refusal);

/** Says a complete good answer in the client's dialect. Reasoning and annotations of texts are left out. */
export function translateAnswer(asked: AnswerToTranslate): TranslatedAnswer {
  const { from, to, body, request, defaults } = asked;
  if (from === to) return { kind: "translated", body };
  const refusals = createRefusals();
  const answer = readers[from](createReader(refusals), body, defaults);
  const written = write(refusals, to, answer, request);
  const refusal = refusals.first();
  return refusal === undefined ? { kind: "translated", body: written } : { kind: "refused", ...refusal };
}

const readers: Readonly<
  Record<Dialect, (reader: Reader, body: Fields, defaults: AnswerDefaults) => NeutralAnswer>
> = {
  chat: readChatAnswer,
  responses: readResponsesAnswer,
  messages: readMessagesAnswer,
};

function write(refusals: Refusals, to: Dialect, answer: NeutralAnswer, request: Fields): Fields {
  switch (to) {
    case "chat":
      return writeChatAnswer(answer);
    case "responses":
      return writeResponsesAnswer(answer, request);
    case "messages":
      return writeMessagesAnswer(refusals, answer);
  }
}
