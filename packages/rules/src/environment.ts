import { Environment } from "@marcbachmann/cel-js";

/** What is known of a target when a rule is asked. */
export interface SignalFacts {
  readonly inFlight: number;
  /** Shares of the stated limits that are used, 0..1. */
  readonly requestsUsed: number;
  readonly tokensUsed: number;
  readonly concurrencyUsed: number;
  /** 0 before the first answer. */
  readonly latencyMs: number;
  /** 0..1. */
  readonly errorRate: number;
  readonly isPaused: boolean;
}

/** What a rule may read. Prompts stand in `request` and nowhere else. */
export interface RuleFacts {
  /** The request's body, parsed. */
  readonly request: Readonly<Record<string, unknown>>;
  readonly tenant: { readonly id: string; readonly tags: readonly string[]; readonly weight: number };
  readonly job: {
    readonly endpoint: string;
    readonly model: string;
    readonly sla: string;
    readonly priority: number;
    /** 1 for the first. */
    readonly attempt: number;
    readonly metadata: Readonly<Record<string, string>>;
    /** ms since 1970. */
    readonly deadlineAt: number;
    readonly slackMs: number;
    readonly inputTokens: number;
    /** `undefined` when the request states none. */
    readonly maxOutputTokens: number | undefined;
    readonly capabilities: readonly string[];
  };
  /** By target id. */
  readonly signals: Readonly<Record<string, SignalFacts>>;
}

/** The library recognises values of a declared type by their class. */
class Signals {
  readonly in_flight: number;
  readonly requests_used: number;
  readonly tokens_used: number;
  readonly concurrency_used: number;
  readonly latency_ms: number;
  readonly error_rate: number;
  readonly paused: boolean;
  constructor(facts: SignalFacts) {
    this.in_flight = facts.inFlight;
    this.requests_used = facts.requestsUsed;
    this.tokens_used = facts.tokensUsed;
    this.concurrency_used = facts.concurrencyUsed;
    this.latency_ms = facts.latencyMs;
    this.error_rate = facts.errorRate;
    this.paused = facts.isPaused;
  }
}

/** A rule is a sentence, not a program. */
const limits = {
  maxAstNodes: 250,
  maxDepth: 32,
  maxListElements: 100,
  maxMapEntries: 32,
  maxCallArguments: 4,
} as const;

/** Longest expression, in characters. */
export const longestExpression = 2_000;

/** The variables of a rule with their types; an unknown variable or field is an error before it ever runs. */
export const environment = new Environment({ limits })
  .registerType("TargetSignals", {
    ctor: Signals,
    fields: {
      in_flight: "double",
      requests_used: "double",
      tokens_used: "double",
      concurrency_used: "double",
      latency_ms: "double",
      error_rate: "double",
      paused: "bool",
    },
  })
  .registerVariable("request", "map")
  .registerVariable({
    name: "tenant",
    schema: { id: "string", tags: "list<string>", weight: "double" },
  })
  .registerVariable({
    name: "job",
    schema: {
      endpoint: "string",
      model: "string",
      sla: "string",
      priority: "int",
      attempt: "int",
      metadata: "map<string, string>",
      // A timestamp; the library cannot declare one inside a schema.
      deadline_at: "dyn",
      slack_s: "double",
      input_tokens: "int",
      max_output_tokens: "int",
      capabilities: "list<string>",
    },
  })
  .registerVariable("signals", "map<string, TargetSignals>");

/** The facts as the library reads them: its whole numbers are bigints. */
export function toContext({ request, tenant, job, signals }: RuleFacts): Record<string, unknown> {
  return {
    request,
    tenant,
    job: {
      endpoint: job.endpoint,
      model: job.model,
      sla: job.sla,
      priority: BigInt(job.priority),
      attempt: BigInt(job.attempt),
      metadata: job.metadata,
      deadline_at: new Date(job.deadlineAt),
      slack_s: job.slackMs / 1000,
      input_tokens: BigInt(Math.round(job.inputTokens)),
      max_output_tokens: BigInt(Math.round(job.maxOutputTokens ?? 0)),
      capabilities: job.capabilities,
    },
    signals: Object.fromEntries(Object.entries(signals).map(([id, facts]) => [id, new Signals(facts)])),
  };
}
