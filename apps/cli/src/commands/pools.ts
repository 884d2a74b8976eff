import type { ApiClient } from "../api/api-client.ts";
import { connectApi } from "../api/find-api.ts";
import type { PoolView, TargetView } from "../api/pool-views.ts";
import { type CliContext, CliError } from "../context.ts";
import { count, table, usd } from "../format.ts";

interface Flags {
  readonly json?: boolean | undefined;
}

const states = ["pause", "resume", "drain"] as const;
const usages = [
  ...states.map((state) => `${state} POOL TARGET`),
  "weight POOL TARGET NUMBER|configured",
  "shift POOL FROM TO PERCENT",
];

interface Asked {
  readonly operation?: string | undefined;
  readonly pool?: string | undefined;
  readonly words?: readonly string[] | undefined;
}

/** `pools [OPERATION POOL …]`: what each target can take and how it is, or a change. Throws {@link CliError}. */
export async function pools(context: CliContext, asked: Asked, flags: Flags): Promise<number> {
  const api = connectApi(context);
  if (asked.operation !== undefined) {
    const { object, text } = await change(api, asked);
    return show(context, flags, object, text);
  }
  const list = await api.listPools();
  return show(context, flags, list, showPools(list.data));
}

/** Does what is asked for and answers what the API says, as it is and in words. */
async function change(
  api: ApiClient,
  { operation, pool, words = [] }: Asked,
): Promise<{ object: unknown; text: string }> {
  const [target, value, percentage] = words;
  if (pool === undefined || target === undefined) throw wrongUse();
  const state = states.find((name) => name === operation);
  if (state !== undefined && words.length === 1) {
    const now = await api.operateTarget(pool, target, state);
    return { object: now, text: showChange(now) };
  }
  if (operation === "weight" && value !== undefined && words.length === 2) {
    const now = await api.weighTarget(pool, target, value === "configured" ? null : numberOf(value));
    return { object: now, text: `${target} has the weight ${weightOf(now)}` };
  }
  if (operation === "shift" && value !== undefined && percentage !== undefined && words.length === 3) {
    const percent = numberOf(percentage.replace(/%$/, ""));
    const now = await api.shiftTraffic(pool, { from: target, to: value, percent });
    return { object: now, text: showShift(now) };
  }
  throw wrongUse();
}

function wrongUse(): CliError {
  return new CliError(`Say one of: ${usages.map((usage) => `sluice pools ${usage}`).join(", ")}`, 2);
}

function numberOf(word: string): number {
  const number = Number(word);
  if (word.trim() === "" || !Number.isFinite(number))
    throw new CliError(`${JSON.stringify(word)} is not a number.`, 2);
  return number;
}

/** What each target of the pool gets of the jobs that all of those in service can serve. */
function showShift({ targets }: PoolView): string {
  const weightNow = (target: TargetView) => (stateOf(target) === "active" ? target.weight : 0);
  const sum = targets.reduce((all, target) => all + weightNow(target), 0);
  const rows = targets.map((target) => [
    target.id,
    weightOf(target),
    stateOf(target) === "active" ? percent(sum === 0 ? 0 : weightNow(target) / sum) : stateOf(target),
  ]);
  return table([["TARGET", "WEIGHT", "SHARE"], ...rows]);
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
  "VERSION",
  "STATE",
  "WEIGHT",
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
    target.version ?? "–",
    stateOf(target),
    weightOf(target),
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
function stateOf({ state, paused, breaker, health }: TargetView): string {
  if (state !== "active") return state;
  if (health?.ok === false) return healthOf(health);
  if (paused !== null) return `paused: ${paused.reason ?? "unknown"}`;
  if (breaker !== null && breaker.state !== "closed") return `breaker ${breaker.state}`;
  return "active";
}

/** Such as `0.5`, or `0.5 given` when an operator gave it. */
function weightOf({ weight, weight_given: isGiven }: TargetView): string {
  const number = String(Number(weight.toPrecision(4)));
  return isGiven ? `${number} given` : number;
}

/** Of a provider that may take no jobs. */
function healthOf({ passed_at: passedAt, failures }: NonNullable<TargetView["health"]>): string {
  if (failures > 0) return `${failures} health ${failures === 1 ? "check" : "checks"} failed`;
  return passedAt === null ? "no health check yet" : "passes health checks again";
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
