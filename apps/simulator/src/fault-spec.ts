import { faultStatuses } from "./fault-errors.ts";

/** What can go wrong, by name; a bare status is an error answer with that status. */
type FaultName =
  | "status"
  | "hang"
  | "slow-drip"
  | "reset"
  | "reset-mid-body"
  | "hang-mid-body"
  | "truncated-json"
  | "wrong-content-type"
  | "error-200"
  | "no-stream"
  | "refuse";

/** One fault. */
export interface Fault {
  readonly name: FaultName;
  /** As counted and logged: the name, or the status. */
  readonly label: string;
  /** Set for `status`. */
  readonly status?: number;
  /** Only the first so many calls with the same body (or, for a rule, that it matched) are hit. */
  readonly times?: number;
  /** Sent as it is, even garbage. */
  readonly retryAfter?: string;
  /** The fault's own duration: between two bytes, before hanging up, without a listener. */
  readonly durationMs?: number;
}

const names: ReadonlySet<string> = new Set<FaultName>([
  "hang",
  "slow-drip",
  "reset",
  "reset-mid-body",
  "hang-mid-body",
  "truncated-json",
  "wrong-content-type",
  "error-200",
  "no-stream",
  "refuse",
]);

/**
 * Reads `NAME[*TIMES][;retry-after=TEXT][;ms=NUMBER]`, such as `500`, `429*2;retry-after=3600`, `hang`.
 * Answers undefined for anything else.
 */
export function parseFault(text: string): Fault | undefined {
  const [head = "", ...settings] = text.trim().split(";");
  const [, name = "", times] = /^([a-z0-9-]+)(?:\*(\d+))?$/.exec(head.trim()) ?? [];
  const kind = readName(name);
  if (kind === undefined) return undefined;
  let fault: Fault = { ...kind, label: name, ...(times !== undefined && { times: Number(times) }) };
  for (const setting of settings) {
    const parsed = readSetting(setting.trim());
    if (parsed === undefined) return undefined;
    fault = { ...fault, ...parsed };
  }
  return fault;
}

function readName(name: string): Pick<Fault, "name" | "status"> | undefined {
  if (names.has(name)) return { name: name as FaultName };
  const status = Number(name);
  return faultStatuses.has(status) ? { name: "status", status } : undefined;
}

function readSetting(setting: string): Pick<Fault, "retryAfter" | "durationMs"> | undefined {
  const [, key, value = ""] = /^([a-z-]+)=(.*)$/.exec(setting) ?? [];
  if (key === "retry-after") return { retryAfter: value };
  if (key === "ms" && /^\d+$/.test(value)) return { durationMs: Number(value) };
  return undefined;
}

/** Finds the last mark such as `[[sim:500]]` in a text. */
export function findFaultMark(text: string): Fault | undefined {
  const last = [...text.matchAll(/\[\[sim:([^\]]*)\]\]/g)].at(-1);
  return last?.[1] === undefined ? undefined : parseFault(last[1]);
}
