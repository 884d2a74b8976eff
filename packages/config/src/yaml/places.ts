import type { ConfigPath } from "../config-error.ts";

/** Where one value stands in the text, as offsets. */
export interface Place {
  readonly key?: number;
  readonly value: number;
  /** The text before expansion, when the value came (also) from the environment. */
  readonly template?: string;
  /** The whole scalar is one `${NAME}`, so its text may stand for a number or a boolean. */
  readonly isWholeTemplate?: boolean;
  /** Expansion failed and was reported: the value is not to be judged further. */
  readonly isBroken?: boolean;
}

/** Places by path; a path is its own key as JSON, so that "1" and 1 differ. */
export class Places {
  readonly #byPath = new Map<string, Place>();

  set(path: ConfigPath, place: Place): void {
    this.#byPath.set(JSON.stringify(path), place);
  }

  get(path: ConfigPath): Place | undefined {
    return this.#byPath.get(JSON.stringify(path));
  }

  /** The offset to point at for a path, or for its nearest parent that exists in the text. */
  offsetOf(path: ConfigPath, at: "key" | "value"): number {
    const place = this.get(path);
    if (place !== undefined) return at === "key" ? (place.key ?? place.value) : place.value;
    return path.length === 0 ? 0 : this.offsetOf(path.slice(0, -1), "key");
  }
}
