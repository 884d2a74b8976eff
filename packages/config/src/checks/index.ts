import type { Check } from "./check.ts";
import { checkRepeatedNames } from "./repeated-names.ts";
import { checkRuleExpressions } from "./rule-expressions.ts";
import { warnOfUnmetRules } from "./rule-targets.ts";
import { checkSlaDefault } from "./sla-default.ts";
import { checkTargetSense } from "./target-sense.ts";
import { checkUnknownNames } from "./unknown-names.ts";
import { warnOfUnused } from "./unused.ts";

/** Checks across fields whose findings refuse the file. */
export const errorChecks: readonly Check[] = [
  checkUnknownNames,
  checkRepeatedNames,
  checkSlaDefault,
  checkTargetSense,
  checkRuleExpressions,
];

/** Checks whose findings are only shown. */
export const warningChecks: readonly Check[] = [warnOfUnused, warnOfUnmetRules];
