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
 * Reads the arguments. A tag counts for the trace or backlog before it; before the first, for all of them. Throws
 * {@link CliError} naming the flag.
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
  const common: Token[] = [];
  const found: { readonly token: Token; readonly tags: Token[] }[] = [];
  for (const token of tokens) {
    if (token.name === "" || token.name === "backlog") found.push({ token, tags: [] });
    else if ((tagOptions as readonly string[]).includes(token.name))
      (found.at(-1)?.tags ?? common).push(token);
  }
  return found.map(({ token, tags }) => sourceOf(token, tagsOf([...common, ...tags])));
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

function tagsOf(tokens: readonly Token[]): TraceTags {
  const said = new Map(tokens.map(({ name, value }) => [name, value]));
  const text = (name: "sla" | "tenant" | "model") => {
    const value = said.get(name);
    return value === undefined ? {} : { [name]: value };
  };
  const shares = (name: "mix" | "tenants") => {
    const value = said.get(name);
    return value === undefined ? {} : { [name]: sharesOf(name, value) };
  };
  const priority = said.get("priority");
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
