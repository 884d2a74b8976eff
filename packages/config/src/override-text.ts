import { parseDocument } from "yaml";

/** One value of a configuration that is to be another. */
export interface Override {
  /** Such as `pools.small.targets[0].limits.tokens_per_minute`. */
  readonly path: string;
  /** As it would stand in the file. */
  readonly value: string;
}

/**
 * The text of a configuration with some values changed, to be parsed as any other: what is wrong with a value, or with
 * the name of its field, is found then. A text that is no YAML comes back as it is. Throws an Error when a path leads
 * through something that is no mapping and no list.
 */
export function overrideText(text: string, overrides: readonly Override[]): string {
  if (overrides.length === 0) return text;
  const document = parseDocument(text, { uniqueKeys: false });
  if (document.errors.length > 0) return text;
  for (const { path, value } of overrides) {
    try {
      document.setIn(stepsOf(path), parseDocument(value).toJS());
    } catch (cause) {
      throw new Error(`${path} cannot be set: the file has no such place`, { cause });
    }
  }
  return document.toString();
}

function stepsOf(path: string): (string | number)[] {
  return path
    .replaceAll(/\[(\d+)\]/g, ".$1")
    .split(".")
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step));
}
