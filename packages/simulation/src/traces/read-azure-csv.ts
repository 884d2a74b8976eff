import type { Arrival, ArrivalDefaults } from "../arrival.ts";
import { TraceError } from "./trace-error.ts";

/** The header of Azure's LLM inference traces. */
export const azureHeader = "TIMESTAMP,ContextTokens,GeneratedTokens";

/** `2023-11-16 18:15:46.6805900`: UTC, seven digits of a second. */
const timestamp = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d+)?$/;

/** Reads a trace in the format of Azure's public ones (AzurePublicDataset); times count from its first line. */
export function readAzureCsv(file: string, text: string, defaults: ArrivalDefaults): Arrival[] {
  const arrivals: Arrival[] = [];
  let firstAt: number | undefined;
  for (const [index, raw] of text.split("\n").entries()) {
    const row = raw.trim();
    if (index === 0 || row === "") continue;
    const place = { file, line: index + 1 };
    const [time = "", context = "", generated = "", ...rest] = row.split(",");
    if (rest.length > 0) throw new TraceError(place, `has ${3 + rest.length} columns, expected 3`);
    const at = momentOf(time);
    if (at === undefined)
      throw new TraceError(
        place,
        `TIMESTAMP must be like 2023-11-16 18:15:46.68, got ${JSON.stringify(time)}`,
      );
    firstAt ??= at;
    if (at < firstAt) throw new TraceError(place, "TIMESTAMP lies before that of the first line");
    arrivals.push({
      ...defaults,
      atMs: at - firstAt,
      inputTokens: tokensOf(place, "ContextTokens", context),
      outputTokens: tokensOf(place, "GeneratedTokens", generated),
    });
  }
  return arrivals;
}

function momentOf(text: string): number | undefined {
  const [, date, time, fraction = ""] = timestamp.exec(text) ?? [];
  if (date === undefined || time === undefined) return undefined;
  const at = Date.parse(`${date}T${time}Z`);
  return Number.isNaN(at) ? undefined : at + Number(`0${fraction}`) * 1000;
}

function tokensOf(place: { file: string; line: number }, column: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new TraceError(place, `${column} must be a whole number of tokens, got ${JSON.stringify(text)}`);
}
