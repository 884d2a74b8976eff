/** What a model gave, in its order. */
export type AnswerItem =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "refusal"; readonly text: string }
  | {
      readonly kind: "call";
      readonly at: string;
      readonly id: string;
      readonly name: string;
      /** JSON text, as OpenAI's dialects have it. */
      readonly arguments: string;
    };

/** Why an answer ended. `stop` also when it calls tools: the items say so. */
export type Finish = "stop" | "length" | "filtered";

/** The tokens of an answer. */
export interface AnswerUsage {
  /** All of the prompt, whatever came from a cache. */
  readonly inputTokens: number;
  readonly cachedTokens: number;
  readonly cacheWriteTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
}

/** A complete good answer with everything that all dialects can say. */
export interface NeutralAnswer {
  /** The upstream's id without the letters that its dialect begins ids with. */
  readonly id: string;
  readonly model: string;
  /** Unix seconds. */
  readonly createdAt: number;
  readonly items: readonly AnswerItem[];
  readonly finish: Finish;
  readonly stopSequence: string | undefined;
  readonly usage: AnswerUsage | undefined;
}

/** What an answer lacks where its dialect does not have it or its upstream did not say it. */
export interface AnswerDefaults {
  /** Stands in for the id. */
  readonly id: string;
  /** Stands in for the moment, in unix seconds. */
  readonly createdAt: number;
  /** Stands in for the model. */
  readonly model: string;
}
