import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Config } from "@sluice/config";
import {
  type Arrival,
  makeBacklog,
  mergeArrivals,
  readTrace,
  seededRandom,
  TraceError,
} from "@sluice/simulation";
import { CliError } from "../context.ts";
import type { SimulateFlags, Source, TraceTags } from "./simulate-flags.ts";

/** What a class or tenant is called until the shares of a mix decide. */
const undecided = "\0";

/** Reads the traces and makes the backlogs, scaled as the flags say. Throws {@link CliError}. */
export async function gatherArrivals(
  flags: SimulateFlags,
  config: Config,
  callerDir: string,
): Promise<readonly Arrival[]> {
  const gathered: { readonly source: Source; readonly arrivals: readonly Arrival[] }[] = [];
  for (const [number, source] of flags.sources.entries())
    gathered.push({ source, arrivals: await arrivalsOf(source, { flags, config, callerDir, number }) });
  const traced = gathered.filter(({ source }) => source.kind === "trace").flatMap(({ arrivals }) => arrivals);
  const stretch = stretchOf(flags, config, traced);
  const lastMs = lastOf(traced);
  const scaled = gathered.map(({ source, arrivals }) =>
    source.kind === "backlog"
      ? arrivals
      : Array.from({ length: flags.repeat }, (_, n) =>
          arrivals.map((each) => ({ ...each, atMs: Math.round((each.atMs + n * lastMs) * stretch) })),
        ).flat(),
  );
  const within = mergeArrivals(scaled).filter(
    ({ atMs }) => atMs <= (flags.forMs ?? Number.POSITIVE_INFINITY),
  );
  const kept = within.slice(0, flags.jobs);
  if (kept.length === 0) throw new CliError("There is nothing to simulate: no job arrives.", 2);
  return kept;
}

interface Sourcing {
  readonly flags: SimulateFlags;
  readonly config: Config;
  readonly callerDir: string;
  /** Of the source, so that equal sources draw differently. */
  readonly number: number;
}

async function arrivalsOf(source: Source, sourcing: Sourcing): Promise<Arrival[]> {
  const defaults = defaultsOf(source.tags, sourcing.config);
  const random = seededRandom(sourcing.flags.seed, `source ${sourcing.number}`);
  const arrivals =
    source.kind === "backlog"
      ? makeBacklog({ ...source, ...defaults }, random)
      : readTraceText(source.file, await readText(source.file, sourcing.callerDir), defaults);
  return arrivals.map((arrival) => ({
    ...arrival,
    sla: arrival.sla === undecided ? draw(source.tags.mix, random.next()) : arrival.sla,
    tenant: arrival.tenant === undecided ? draw(source.tags.tenants, random.next()) : arrival.tenant,
  }));
}

function defaultsOf(tags: TraceTags, { slaClasses, models }: Config) {
  const usual = Object.values(slaClasses).find(({ isDefault }) => isDefault)?.name ?? "standard";
  const model = "auto" in models ? "auto" : (Object.keys(models)[0] ?? "auto");
  return {
    sla: tags.sla ?? (tags.mix === undefined ? usual : undecided),
    tenant: tags.tenant ?? (tags.tenants === undefined ? "default" : undecided),
    model: tags.model ?? model,
    priority: tags.priority ?? 0,
  };
}

async function readText(file: string, callerDir: string): Promise<string> {
  try {
    return await readFile(resolve(callerDir, file), "utf8");
  } catch (error) {
    throw new CliError(
      `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      2,
    );
  }
}

function readTraceText(file: string, text: string, defaults: ReturnType<typeof defaultsOf>): Arrival[] {
  try {
    return readTrace(file, text, defaults);
  } catch (error) {
    if (error instanceof TraceError) throw new CliError(error.message, 2);
    throw error;
  }
}

function draw(shares: ReadonlyMap<string, number> | undefined, random: number): string {
  const all = [...(shares ?? [])];
  let left = random * all.reduce((sum, [, share]) => sum + share, 0);
  for (const [name, share] of all) {
    left -= share;
    if (left < 0) return name;
  }
  return all.at(-1)?.[0] ?? "";
}

/** By how much the times of traces grow: so that they bring the wanted load, or go at the wanted speed. */
function stretchOf({ load, speed }: SimulateFlags, { pools }: Config, traced: readonly Arrival[]): number {
  if (load === undefined) return 1 / speed;
  const lastMs = lastOf(traced);
  const tokens = traced.reduce((sum, { inputTokens, outputTokens }) => sum + inputTokens + outputTokens, 0);
  const targets = Object.values(pools).flatMap((pool) => pool.targets);
  const perMinute = targets.reduce((sum, { limits }) => sum + (limits.tokensPerMinute ?? 0), 0);
  if (perMinute === 0 || lastMs === 0)
    throw new CliError("--load needs traces that last, and targets with tokens_per_minute.", 2);
  return tokens / (lastMs / 60_000) / (load * perMinute);
}

function lastOf(arrivals: readonly Arrival[]): number {
  return arrivals.reduce((latest, { atMs }) => Math.max(latest, atMs), 0);
}
