import type { AnswerUsage, Finish } from "../answers/neutral-answer.ts";
import type { Fields } from "../fields.ts";

/** A piece of a streamed answer with what all dialects can say. */
export type Delta =
  | {
      readonly kind: "start";
      /** Without the letters that its dialect begins ids with. */
      readonly id: string;
      readonly model: string;
      /** Unix seconds. */
      readonly createdAt: number;
    }
  | { readonly kind: "text" | "refusal"; readonly text: string }
  /** A call of a tool begins; `index` counts them. */
  | { readonly kind: "call"; readonly index: number; readonly id: string; readonly name: string }
  | { readonly kind: "arguments"; readonly index: number; readonly text: string }
  | Ended
  /** The upstream says that it failed. */
  | { readonly kind: "error"; readonly type: string; readonly message: string }
  /** What came cannot be said in another dialect; holds nothing of the content. */
  | { readonly kind: "broken"; readonly reason: string };

/** The answer is complete. */
export interface Ended {
  readonly kind: "end";
  readonly finish: Finish;
  readonly stopSequence: string | undefined;
  readonly usage: AnswerUsage | undefined;
}

/** Reads the events of one upstream's stream. */
export interface DeltaReader {
  /** Takes the parsed data of the next event. */
  add(data: Fields): readonly Delta[];
  /** The stream has ended, as it should or not. */
  end(): readonly Delta[];
}
