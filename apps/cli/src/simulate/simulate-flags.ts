import { parseArgs } from "node:util";
import type { Override } from "@sluice/config";
import { type Scheduler, schedulers } from "@sluice/simulation";
import { CliError } from "../context.ts";
import { durationOf, integerOf, numberOf, sharesOf } from "./read-values.ts";

/** What a trace's lines leave out, as the flags behind it say. */
export interface TraceTags {
  readonly sla?: string;
  readonly tenant?: string;
  readonly model?: string;
  readonly priority?: number;
  /** Names by share, drawn for each arrival that says nothing. */
  readonly mix?: ReadonlyMap<string, number>;
  readonly tenants?: ReadonlyMap<string, number>;
}

/** Where work comes from. */
export type Source =
  | { readonly kind: "trace"; readonly file: string; readonly tags: TraceTags }
  | {
      readonly kind: "backlog";
      readonly jobs: number;
      readonly inputTokens: number;
      readonly outputTokens: number;
      readonly tags: TraceTags;
    };

/** The command line of `simulate`. */
export interface SimulateFlags {
  readonly sources: readonly Source[];
  readonly config: string | undefined;
  readonly seed: number;
  readonly workers: number;
  readonly concurrency: number;
  readonly speed: number;
  readonly load: number | undefined;
  /** How often the traces are played, one time after another. */
  readonly repeat: number;
  readonly forMs: number | undefined;
  readonly jobs: number | undefined;
  readonly sets: readonly Override[];
  readonly schedulers: readonly Scheduler[];
  readonly html: string | undefined;
  readonly json: boolean;
}

const tagOptions = ["sla", "tenant", "model", "priority", "mix", "tenants"] as const;
const plainOptions = [
  "config",
  "seed",
  "workers",
  "concurrency",
  "speed",
  "load",
  "repeat",
  "for",
  "jobs",
  "html",
] as const;

const options = {
  ...Object.fromEntries([...tagOptions, ...plainOptions].map((name) => [name, { type: "string" } as const])),
  backlog: { type: "string", multiple: true },
  set: { type: "string", multiple: true },
  scheduler: { type: "string" },
  json: { type: "boolean" },
} as const;

interface Token {
  readonly name: string;
  readonly value: string;
}

/**
 * Reads the arguments. A tag counts for the trace or backlog before it; before the first, for all that have none of
 * their own; as often as there are traces and backlogs, for each in its order. Throws {@link CliError} naming the flag.
 */
export function readSimulateFlags(args: readonly string[]): SimulateFlags {
  const tokens = tokensOf(args);
  const sources = sourcesOf(tokens);
  const plain = new Map(tokens.map(({ name, value }) => [name, value]));
  if (sources.length === 0) throw new CliError("Name a trace to simulate, or a --backlog.", 2);
  return {
    sources,
    config: plain.get("config"),
    seed: integerOf("seed", plain.get("seed") ?? "1", 0),
    workers: integerOf("workers", plain.get("workers") ?? "2", 1),
    concurrency: integerOf("concurrency", plain.get("concurrency") ?? "64", 1),
    speed: numberOf("speed", plain.get("speed") ?? "1"),
    load: plain.has("load") ? numberOf("load", plain.get("load") ?? "") : undefined,
    repeat: integerOf("repeat", plain.get("repeat") ?? "1", 1),
    forMs: plain.has("for") ? durationOf("for", plain.get("for") ?? "") : undefined,
    jobs: plain.has("jobs") ? integerOf("jobs", plain.get("jobs") ?? "", 1) : undefined,
    sets: tokens.filter(({ name }) => name === "set").map(({ value }) => overrideOf(value)),
    schedulers: schedulersOf(plain.get("scheduler")),
    html: plain.get("html"),
    json: plain.has("json"),
  };
}

function tokensOf(args: readonly string[]): Token[] {
  try {
    const { tokens } = parseArgs({ args: [...args], options, allowPositionals: true, tokens: true });
    return tokens.flatMap((token) => {
      if (token.kind === "positional") return [{ name: "", value: token.value }];
      return token.kind === "option" ? [{ name: token.name, value: token.value ?? "" }] : [];
    });
  } catch (error) {
    throw new CliError(error instanceof Error ? error.message : String(error), 2);
  }
}

function sourcesOf(tokens: readonly Token[]): Source[] {
  const starts = tokens.flatMap(({ name }, index) => (name === "" || name === "backlog" ? [index] : []));
  const saidOf = new Map(tagOptions.map((name) => [name, sayOf(tokens, name, starts)]));
  return starts.flatMap((start, number) => {
    const token = tokens[start];
    const said = (name: (typeof tagOptions)[number]) => saidOf.get(name)?.[number];
    return token === undefined ? [] : [sourceOf(token, tagsOf(said))];
  });
}

/** What a tag says of each source. */
function sayOf(tokens: readonly Token[], name: string, starts: readonly number[]): (string | undefined)[] {
  const said = tokens.flatMap((token, index) => (token.name === name ? [{ ...token, index }] : []));
  if (said.length === starts.length) return said.map(({ value }) => value);
  const between = (from: number, until: number): string | undefined => {
    const [one, another] = said.filter(({ index }) => index >= from && index < until);
    if (another !== undefined) throw new CliError(`--${name} is there twice for one trace or backlog.`, 2);
    return one?.value;
  };
  const common = between(0, starts[0] ?? 0);
  return starts.map((start, n) => between(start, starts[n + 1] ?? tokens.length) ?? common);
}

function sourceOf({ name, value }: Token, tags: TraceTags): Source {
  if (name === "") return { kind: "trace", file: value, tags };
  const [, jobs, input, output] = /^(\d+)x(\d+)\+(\d+)$/.exec(value) ?? [];
  if (jobs === undefined)
    throw new CliError("--backlog must be JOBSxINPUT+OUTPUT, such as 5000x800+200 (tokens of each job).", 2);
  return {
    kind: "backlog",
    jobs: Number(jobs),
    inputTokens: Number(input),
    outputTokens: Number(output),
    tags,
  };
}

function tagsOf(said: (name: (typeof tagOptions)[number]) => string | undefined): TraceTags {
  const text = (name: "sla" | "tenant" | "model") => {
    const value = said(name);
    return value === undefined ? {} : { [name]: value };
  };
  const shares = (name: "mix" | "tenants") => {
    const value = said(name);
    return value === undefined ? {} : { [name]: sharesOf(name, value) };
  };
  const priority = said("priority");
  return {
    ...text("sla"),
    ...text("tenant"),
    ...text("model"),
    ...(priority === undefined ? {} : { priority: integerOf("priority", priority, 0, 9) }),
    ...shares("mix"),
    ...shares("tenants"),
  };
}

function overrideOf(text: string): Override {
  const at = text.indexOf("=");
  if (at < 1) throw new CliError("--set must be path=value.", 2);
  return { path: text.slice(0, at), value: text.slice(at + 1) };
}

function schedulersOf(text: string | undefined): readonly Scheduler[] {
  if (text === undefined) return schedulers;
  return text.split(",").map((name) => {
    const found = schedulers.find((scheduler) => scheduler === name);
    if (found === undefined) throw new CliError(`--scheduler must be among ${schedulers.join(", ")}.`, 2);
    return found;
  });
}
