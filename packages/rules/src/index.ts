// CEL expressions of routing rules: checked, bounded, evaluated; the only importer of cel-js.
export {
  type Compiled,
  compileExpression,
  type Evaluation,
  type Expression,
  prepareFacts,
  type Verdict,
} from "./compile-expression.ts";
export type { RuleFacts, SignalFacts } from "./environment.ts";
