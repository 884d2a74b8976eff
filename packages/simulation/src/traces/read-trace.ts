import type { Arrival, ArrivalDefaults } from "../arrival.ts";
import { azureHeader, readAzureCsv } from "./read-azure-csv.ts";
import { readJsonl } from "./read-jsonl.ts";

/**
 * Reads a trace: Azure's CSV when its header stands in the first line, else JSONL. `file` only names it in errors.
 * Throws {@link TraceError}.
 */
export function readTrace(file: string, text: string, defaults: ArrivalDefaults): Arrival[] {
  const header = text.slice(0, azureHeader.length);
  return header === azureHeader ? readAzureCsv(file, text, defaults) : readJsonl(file, text, defaults);
}
