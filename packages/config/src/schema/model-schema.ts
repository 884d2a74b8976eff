import { builtInPolicies, defaultPolicy } from "@sluice/domain";
import type { z } from "zod";
import { duration, flag, list, mustNotBeEmpty, oneOf, strict, text, zeroOrMore } from "./scalars.ts";

/** Scorers a policy may weigh; each gives 0..1. */
export const scorerNames = [
  "cost",
  "headroom",
  "latency",
  "backlog",
  "weight",
  "stickiness",
  "engine-load",
] as const;
/** Pickers a policy may use. */
const pickerNames = ["best", "weighted", "round-robin", "in-order"] as const;
const balancedScorers = { ...builtInPolicies[defaultPolicy]?.scorers };

const data = strict({
  retention: text().optional().describe("Required retention of the target."),
  training: oneOf(["deny", "allow"]).optional().describe("Required training policy of the target."),
});

const rule = strict({
  when: text().describe("CEL expression over request, tenant, job and signals."),
  pools: list(text())
    .min(1, { error: mustNotBeEmpty })
    .optional()
    .describe("Pools in place of the model's when it matches."),
  require: strict({
    region: text().optional().describe("Region that targets must have."),
    tags: list(text()).optional().describe("Tags that targets must have."),
    capabilities: list(text()).optional().describe("Capabilities that targets must have."),
    data: data.optional().describe("Data policy that targets must have."),
  })
    .optional()
    .describe("What targets must have when it matches."),
});

/** One entry of `models`. */
export const modelSchema = strict({
  pools: list(text()).min(1, { error: mustNotBeEmpty }).describe("Pools that serve it."),
  policy: text().default(defaultPolicy).describe("An entry of policies."),
  rules: list(rule).optional().describe("The first that matches decides."),
  fallback: list(text()).default([]).describe("Pools tried in order when the pools above cannot serve."),
});

const weight = () => zeroOrMore().optional().describe("Weight of this score.");

/** One entry of `policies`. */
export const policySchema = strict({
  scorers: strict({
    cost: weight(),
    headroom: weight(),
    latency: weight(),
    backlog: weight(),
    weight: weight(),
    stickiness: weight(),
    "engine-load": weight(),
  } satisfies Record<(typeof scorerNames)[number], unknown>)
    .prefault(balancedScorers)
    .describe("Weights by scorer; a scorer left out weighs nothing."),
  picker: oneOf(pickerNames).default("best").describe("How one target is chosen by score."),
});

/** One entry of `sla_classes`. */
export const slaClassSchema = strict({
  deadline: duration().describe("Counted from acceptance."),
  default: flag().default(false).describe("The class of a job that names none; true in exactly one."),
  on_miss: oneOf(["expire", "best_effort"]).default("expire").describe("What a job past its deadline does."),
  admission: oneOf(["flag", "accept", "refuse"]).default("flag").describe("What a job predicted late does."),
  on_ambiguous: oneOf(["retry", "fail"]).default("retry").describe("After a call whose outcome was lost."),
});

export type ModelInput = z.output<typeof modelSchema>;
export type PolicyInput = z.output<typeof policySchema>;
export type SlaClassInput = z.output<typeof slaClassSchema>;
