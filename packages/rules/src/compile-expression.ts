import type { ASTNode, ParseResult } from "@marcbachmann/cel-js";
import { environment, longestExpression, type RuleFacts, toContext } from "./environment.ts";
import { childrenOf, findCostly, type Objection } from "./find-costly.ts";

/** Whether a rule holds, or why that could not be said: in words that hold nothing of the request. */
export type Verdict = { readonly matched: boolean } | { readonly matched: false; readonly error: string };

/** The facts of one decision, shared by its rules. */
export type Evaluation = ReturnType<typeof toContext>;

/** An expression that was checked, ready to be asked many times. */
export interface Expression {
  /** Whether it names `request`: then the body has to be at hand. */
  readonly readsRequest: boolean;
  /** Whether it names `signals`: then they have to be stored with the decision. */
  readonly readsSignals: boolean;
  /** Target ids that it names under `signals`, with where they stand (0-based). */
  readonly namedTargets: readonly { readonly id: string; readonly at: number }[];
  /** What it says of every job, when it names no variable. */
  readonly constant: boolean | undefined;
  readonly evaluate: (evaluation: Evaluation) => Verdict;
}

export type Compiled =
  | { readonly ok: true; readonly expression: Expression }
  | ({ readonly ok: false } & Objection);

/** Reads, type-checks and bounds a CEL expression; never throws for a faulty one. */
export function compileExpression(text: string): Compiled {
  if (text.length > longestExpression) {
    return { ok: false, problem: `is longer than ${longestExpression} characters`, at: longestExpression };
  }
  let parsed: ParseResult;
  try {
    parsed = environment.parse(text);
  } catch (error) {
    return { ok: false, ...explain(error) };
  }
  const { ast } = parsed;
  const costly = findCostly(ast);
  if (costly !== undefined) return { ok: false, ...costly };
  const names = variablesOf(ast);
  const targets = namedTargets(ast);
  const { valid, type, error } = parsed.check();
  if (!valid) return { ok: false, ...explain(error) };
  if (type !== "bool" && type !== "dyn") {
    return { ok: false, problem: `must be true or false, this is of type ${type}`, at: 0 };
  }
  const evaluate = (evaluation: Evaluation) => ask(parsed, evaluation);
  const constant = names.size === 0 ? evaluate({}).matched : undefined;
  const reads = { readsRequest: names.has("request"), readsSignals: names.has("signals") };
  return { ok: true, expression: { ...reads, namedTargets: targets, constant, evaluate } };
}

/** Makes the facts of one decision ready for its rules. */
export function prepareFacts(facts: RuleFacts): Evaluation {
  return toContext(facts);
}

function ask(parsed: ParseResult, evaluation: Evaluation): Verdict {
  try {
    const value: unknown = parsed(evaluation);
    if (typeof value === "boolean") return { matched: value };
    return { matched: false, error: "the value is neither true nor false" };
  } catch (error) {
    // The library's own words may quote the request.
    const { code = "error", range } = error as { code?: string; range?: { start: number } };
    const where = range === undefined ? "" : ` at character ${range.start + 1}`;
    return { matched: false, error: `${code.replaceAll("_", " ")}${where}` };
  }
}

function explain(error: unknown): Objection {
  const { summary, message, range } = error as {
    summary?: string;
    message?: string;
    range?: { start: number };
  };
  return { problem: summary ?? message ?? "is not valid", at: range?.start ?? 0 };
}

const variables = new Set(["request", "tenant", "job", "signals"]);

function variablesOf(node: ASTNode, found = new Set<string>()): Set<string> {
  if (node.op === "id" && variables.has(node.args)) found.add(node.args);
  for (const child of childrenOf(node)) variablesOf(child, found);
  return found;
}

function namedTargets(node: ASTNode): { id: string; at: number }[] {
  const inside = childrenOf(node).flatMap(namedTargets);
  if (node.op === "." && isSignals(node.args[0])) return [{ id: node.args[1], at: node.range.start }];
  if (node.op !== "[]" || !isSignals(node.args[0])) return inside;
  const [, key] = node.args;
  return key.op === "value" && typeof key.args === "string"
    ? [{ id: key.args, at: key.range.start }]
    : inside;
}

function isSignals(node: ASTNode): boolean {
  return node.op === "id" && node.args === "signals";
}
