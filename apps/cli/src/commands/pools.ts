import { connectApi } from "../api/find-api.ts";
import type { PoolView, TargetView } from "../api/pool-views.ts";
import { type CliContext, CliError } from "../context.ts";
import { count, table, usd } from "../format.ts";

interface Flags {
  readonly json?: boolean | undefined;
}

const operations = ["pause", "resume", "drain"] as const;

/** `pools [pause|resume|drain POOL TARGET]`: what each target can take and how it is, or a change of one. Throws {@link CliError}. */
export async function pools(
  context: CliContext,
  asked: { operation?: string | undefined; pool?: string | undefined; target?: string | undefined },
  flags: Flags,
): Promise<number> {
  const { operation, pool, target } = asked;
  const api = connectApi(context);
  if (operation === undefined) {
    const list = await api.listPools();
    return show(context, flags, list, showPools(list.data));
  }
  const known = operations.find((name) => name === operation);
  if (known === undefined)
    throw new CliError(`pools knows ${operations.join(", ")}, not ${JSON.stringify(operation)}.`, 2);
  if (pool === undefined || target === undefined)
    throw new CliError(`Which target? sluice pools ${known} POOL TARGET`, 2);
  const now = await api.operateTarget(pool, target, known);
  return show(context, flags, now, showChange(now));
}

function showChange({ id, state, in_flight: inFlight }: TargetView): string {
  if (state === "active") return `${id} takes jobs again`;
  if (inFlight === null) return `${id} takes nothing new`;
  if (inFlight === 0) return `${id} takes nothing new, and nothing is under way`;
  return `${id} takes nothing new; ${count(inFlight)} ${inFlight === 1 ? "call is" : "calls are"} under way`;
}

const head = [
  "POOL",
  "TARGET",
  "STATE",
  "IN FLIGHT",
  "REQUESTS",
  "TOKENS",
  "P50",
  "P95",
  "ERRORS",
  "TOKENS/S",
  "TODAY",
];

function showPools(list: readonly PoolView[]): string {
  return table([head, ...list.flatMap(({ id, targets }) => targets.map((target) => rowOf(id, target)))]);
}

function rowOf(pool: string, target: TargetView): string[] {
  const { latency_ms: latency } = target;
  return [
    pool,
    target.id,
    stateOf(target),
    known(target.in_flight, String),
    known(target.use.requests, percent),
    known(target.use.tokens, percent),
    known(latency.p50, (ms) => `${count(ms)} ms`),
    known(latency.p95, (ms) => `${count(ms)} ms`),
    known(target.error_rate, percent),
    known(target.tokens_per_second, (speed) => speed.toFixed(0)),
    known(target.spent_today_usd, usd),
  ];
}

/** What an operator said comes first, then what the target did. */
function stateOf({ state, paused, breaker }: TargetView): string {
  if (state !== "active") return state;
  if (paused !== null) return `paused: ${paused.reason ?? "unknown"}`;
  if (breaker !== null && breaker.state !== "closed") return `breaker ${breaker.state}`;
  return "active";
}

function known(value: number | null, write: (value: number) => string): string {
  return value === null ? "–" : write(value);
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function show({ out }: CliContext, { json }: Flags, object: unknown, text: string): number {
  out.write(`${json === true ? JSON.stringify(object) : text}\n`);
  return 0;
}
