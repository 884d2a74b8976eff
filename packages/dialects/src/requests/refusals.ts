/** What keeps a request from being translated. Neither text holds anything of the request's content. */
export interface Refusal {
  /** The field in the client's body, such as `messages[2].content[0].input_audio`. */
  readonly field: string;
  /** Why, as the end of a sentence that begins with the field. */
  readonly reason: string;
}

/** Gathers refusals, so that readers and writers go on without an exception; the first one is told. */
export interface Refusals {
  refuse(field: string, reason: string): void;
  first(): Refusal | undefined;
}

export function createRefusals(): Refusals {
  let first: Refusal | undefined;
  return {
    refuse(field, reason) {
      first ??= { field, reason };
    },
    first: () => first,
  };
}

/** Of a value that its own dialect does not know either: the upstream would say so, a translation cannot. */
export const unreadable = "is not as its dialect describes it";
/** Of a field that is not in the lists of what is carried over, dropped or refused by name. */
const unknown = "is not known to mean the same elsewhere";

/** What becomes of a field: it is carried over, dropped as a hint, or refused unless it says what holds anyway. */
export type FieldRule =
  | "carried"
  | "dropped"
  | { readonly refused: string; readonly unless?: readonly unknown[] };

/** Refuses each field of an object that its table does not let pass. `null` counts as absent. */
export function checkAgainst(
  refusals: Refusals,
  table: Readonly<Record<string, FieldRule>>,
  { fields, at }: { readonly fields: Readonly<Record<string, unknown>>; readonly at: string },
): void {
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined || value === null) continue;
    const rule = Object.hasOwn(table, name) ? table[name] : undefined;
    if (rule === "carried" || rule === "dropped") continue;
    const says = JSON.stringify(value);
    if (rule?.unless?.some((harmless) => JSON.stringify(harmless) === says)) continue;
    refusals.refuse(at === "" ? nameOf(rule, name) : `${at}.${nameOf(rule, name)}`, rule?.refused ?? unknown);
  }
}

/** A name that no table knows is the client's text: it stands in the message only if it looks like a name. */
function nameOf(rule: FieldRule | undefined, name: string): string {
  return rule !== undefined || /^\w{1,64}$/.test(name) ? name : "(a field)";
}
