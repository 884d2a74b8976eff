import type { z } from "zod";
import { buildConfig } from "./build-config.ts";
import type { Check } from "./checks/check.ts";
import { errorChecks, warningChecks } from "./checks/index.ts";
import { outlineOf } from "./checks/outline.ts";
import { warnOfLostEndpoints } from "./checks/rule-endpoints.ts";
import { byPlace, type ConfigError, type ConfigPath, type Finding, formatPath } from "./config-error.ts";
import type { Config } from "./config-types.ts";
import { hashConfig } from "./hash-config.ts";
import { describeValue } from "./messages/describe-value.ts";
import { explainIssue } from "./messages/explain-issue.ts";
import { sluiceSchema } from "./schema/sluice-schema.ts";
import { coerceTemplates } from "./yaml/coerce-templates.ts";
import type { Environment } from "./yaml/expand-env.ts";
import { readYaml, type YamlReading } from "./yaml/read-yaml.ts";

/** A usable configuration, or everything that is wrong with the file, sorted by line. */
export type ConfigResult =
  | {
      readonly ok: true;
      readonly config: Config;
      readonly hash: string;
      readonly warnings: readonly ConfigError[];
    }
  | { readonly ok: false; readonly errors: readonly ConfigError[] };

export interface ParseOptions {
  /** How errors name the file. */
  readonly file: string;
  readonly env: Environment;
}

/** Reads the text of a `sluice.yaml`. Pure; never throws for a faulty text. */
export function parseConfig(text: string, { file, env }: ParseOptions): ConfigResult {
  const reading = readYaml(text, env);
  if (reading.syntax.length > 0) return { ok: false, errors: syntaxErrors(reading, file) };
  const parsed = parseShape(reading);
  const issues = parsed.success ? [] : parsed.error.issues;
  const shape = issues.flatMap((issue) => explainIssue(issue, reading.value, reading.places));
  const sound = [...shape, ...runChecks(errorChecks, reading)].filter(({ path }) => !isBroken(reading, path));
  const errors = locate([...reading.findings, ...sound], reading, file);
  if (!parsed.success || errors.length > 0) return { ok: false, errors };
  const config = buildConfig(parsed.data);
  const hash = hashConfig(config);
  const odd = [...runChecks(warningChecks, reading), ...warnOfLostEndpoints({ ...config, hash })];
  return { ok: true, config: { ...config, hash }, hash, warnings: locate(odd, reading, file) };
}

/** Parses once with environment values as text, and again with those that a field wants as another type. */
function parseShape(reading: YamlReading) {
  const parsed = sluiceSchema.safeParse(reading.value);
  if (parsed.success) return parsed;
  const paths = parsed.error.issues.map((issue: z.core.$ZodIssue) => issue.path as ConfigPath);
  return coerceTemplates(reading, paths) === 0 ? parsed : sluiceSchema.safeParse(reading.value);
}

function runChecks(checks: readonly Check[], { value, places }: YamlReading): readonly Finding[] {
  const outline = outlineOf(value);
  return checks.flatMap((check) =>
    check(outline, (path, found) => describeValue(path, found, places.get(path))),
  );
}

function isBroken({ places }: YamlReading, path: ConfigPath): boolean {
  return places.get(path)?.isBroken === true;
}

function locate(findings: readonly Finding[], { places, lines }: YamlReading, file: string): ConfigError[] {
  const errors = findings.map(({ path: steps, says, at, offset }) => {
    const { line, col } = lines.linePos(offset ?? places.offsetOf(steps, at));
    const path = formatPath(steps);
    const message = `${path === "" ? "the file" : path}${says.startsWith(":") ? "" : " "}${says}`;
    return { file, line: Math.max(line, 1), column: Math.max(col, 1), path, message };
  });
  const unique = new Map(errors.map((error) => [`${error.line}:${error.column} ${error.message}`, error]));
  return [...unique.values()].sort(byPlace);
}

function syntaxErrors({ syntax, lines }: YamlReading, file: string): ConfigError[] {
  const errors = syntax.map(({ offset, says }) => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col, path: "", message: `is not valid YAML: ${says}` };
  });
  return errors.sort(byPlace);
}
