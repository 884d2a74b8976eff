import { expect } from "vitest";
import { type ConfigError, formatConfigErrors } from "./config-error.ts";
import type { Config } from "./config-types.ts";
import { type ConfigResult, parseConfig } from "./parse-config.ts";
import type { Environment } from "./yaml/expand-env.ts";

/** The smallest useful file; its lines are counted by tests. */
export const smallest = `version: 1
providers:
  sim: { kind: simulator, requests_per_minute: 600, concurrency: 32 }
pools:
  small:
    targets:
      - { id: t1, provider: sim, model: m }
models:
  auto: { pools: [small] }
`;

/** Replaces exactly one occurrence, so that a test cannot miss its place unnoticed. */
export function edit(text: string, from: string, to: string): string {
  expect(text.split(from)).toHaveLength(2);
  return text.replace(from, () => to);
}

export function parse(text: string, env: Environment = {}): ConfigResult {
  return parseConfig(text, { file: "sluice.yaml", env });
}

/** The configuration of a text that must be accepted. */
export function accepted(
  text: string,
  env: Environment = {},
): { config: Config; warnings: readonly ConfigError[] } {
  const result = parse(text, env);
  if (!result.ok) throw new Error(`refused:\n${formatConfigErrors(result.errors)}`);
  return result;
}

/** The formatted errors of a text that must be refused, one per line. */
export function refused(text: string, env: Environment = {}): readonly string[] {
  const result = parse(text, env);
  if (result.ok) throw new Error("accepted a file that must be refused");
  return formatConfigErrors(result.errors).split("\n");
}
