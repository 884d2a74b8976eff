import type { Arrival, ArrivalDefaults } from "../arrival.ts";
import { TraceError } from "./trace-error.ts";

const known = ["at_ms", "input_tokens", "output_tokens", "sla", "tenant", "model", "priority"] as const;

type Place = { readonly file: string; readonly line: number };
type Fields = Readonly<Record<string, unknown>>;

/** Reads a trace of one arrival a line, `{"at_ms", "input_tokens", "output_tokens", "sla"?, "tenant"?, "model"?, "priority"?}`. */
export function readJsonl(file: string, text: string, defaults: ArrivalDefaults): Arrival[] {
  const arrivals: Arrival[] = [];
  for (const [index, row] of text.split("\n").entries()) {
    if (row.trim() === "") continue;
    arrivals.push(readLine({ file, line: index + 1 }, row, defaults));
  }
  return arrivals;
}

function readLine(place: Place, row: string, defaults: ArrivalDefaults): Arrival {
  const fields = parse(place, row);
  const unknown = Object.keys(fields).find((name) => !(known as readonly string[]).includes(name));
  if (unknown !== undefined)
    throw new TraceError(place, `${JSON.stringify(unknown)} is not known; known are ${known.join(", ")}`);
  return {
    atMs: numberOf(place, fields, "at_ms", Number.MAX_SAFE_INTEGER),
    inputTokens: numberOf(place, fields, "input_tokens", 999_999_999),
    outputTokens: numberOf(place, fields, "output_tokens", 999_999_999),
    sla: textOf(place, fields, "sla", defaults.sla),
    tenant: textOf(place, fields, "tenant", defaults.tenant),
    model: textOf(place, fields, "model", defaults.model),
    priority: fields["priority"] === undefined ? defaults.priority : numberOf(place, fields, "priority", 9),
  };
}

function parse(place: Place, row: string): Fields {
  try {
    const value: unknown = JSON.parse(row);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  } catch {
    throw new TraceError(place, "is not valid JSON");
  }
  throw new TraceError(place, "must be a JSON object");
}

function numberOf(place: Place, fields: Fields, name: string, most: number): number {
  const value = fields[name];
  if (value === undefined) throw new TraceError(place, `${name} is required`);
  if (
    typeof value === "number" &&
    value >= 0 &&
    value <= most &&
    (name === "at_ms" || Number.isInteger(value))
  )
    return value;
  throw new TraceError(place, `${name} must be a number from 0 to ${most}, got ${JSON.stringify(value)}`);
}

function textOf(place: Place, fields: Fields, name: string, otherwise: string): string {
  const value = fields[name] ?? otherwise;
  if (typeof value === "string" && value !== "") return value;
  throw new TraceError(place, `${name} must be a text, got ${JSON.stringify(value)}`);
}
