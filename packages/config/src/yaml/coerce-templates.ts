import type { ConfigPath } from "../config-error.ts";
import type { YamlReading } from "./read-yaml.ts";

/**
 * Reads the scalars at these paths as the YAML number or boolean their text spells, where the whole scalar is one
 * `${NAME}`: that is how an environment value takes its field's type. Changes `reading.value`; returns how many.
 */
export function coerceTemplates(reading: YamlReading, paths: readonly ConfigPath[]): number {
  const coerced = paths.filter(
    (path) => reading.places.get(path)?.isWholeTemplate === true && coerceAt(reading.value, path),
  );
  return coerced.length;
}

function coerceAt(root: unknown, path: ConfigPath): boolean {
  const parent = path
    .slice(0, -1)
    .reduce<unknown>((value, step) => (value as Record<string, unknown>)[step], root);
  const holder = parent as Record<string | number, unknown>;
  const last = path.at(-1) ?? "";
  const spelled = spelledValue(holder[last]);
  if (spelled === undefined) return false;
  holder[last] = spelled;
  return true;
}

function spelledValue(text: unknown): number | boolean | undefined {
  if (text === "true" || text === "false") return text === "true";
  const isNumber = typeof text === "string" && /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text);
  return isNumber ? Number(text) : undefined;
}
