import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type Config, type ConfigError, formatConfigErrors, loadConfig } from "@sluice/config";
import type { CliContext } from "../context.ts";
import { plural, table } from "../format.ts";

/** The flags of `check`. */
export interface CheckFlags {
  readonly strict?: boolean | undefined;
  readonly json?: boolean | undefined;
}

/**
 * `check [FILE]`: everything that is wrong or odd in a configuration, by line, or a summary of what it says. Needs
 * no cluster. Answers 1 on errors, with `--strict` also on warnings.
 */
export async function check(
  context: CliContext,
  file: string | undefined,
  flags: CheckFlags,
): Promise<number> {
  const path = file ?? context.env["SLUICE_CONFIG"] ?? "sluice.yaml";
  const result = await loadConfig({
    path,
    env: context.env,
    // Errors name the file as the caller did.
    readFile: (named) => readFile(resolve(context.callerDir, named), "utf8"),
  });
  const errors = result.ok ? [] : result.errors;
  const warnings = result.ok ? result.warnings : [];
  if (flags.json === true) {
    const found = { ok: result.ok, ...(result.ok ? { config_hash: result.hash } : {}), errors, warnings };
    context.out.write(`${JSON.stringify(found)}\n`);
  } else {
    tell(context, errors, "");
    tell(context, warnings, "warning: ");
    if (result.ok) context.out.write(`${summarise(path, result.config)}\n`);
    else context.out.write(`${path} cannot be used: ${plural(errors.length, "error")}\n`);
  }
  return errors.length > 0 || (flags.strict === true && warnings.length > 0) ? 1 : 0;
}

function tell({ err }: CliContext, findings: readonly ConfigError[], prefix: string): void {
  for (const finding of findings) err.write(`${prefix}${formatConfigErrors([finding])}\n`);
}

function summarise(path: string, { hash, pools, models, slaClasses, tenants }: Config): string {
  const targets = Object.values(pools).flatMap((pool) =>
    pool.targets.map(({ id, provider, model, limits }) => [pool.name, id, provider, model, limitsOf(limits)]),
  );
  const aliases = Object.values(models).map(({ name, pools: own, rules = [], fallback, policy }) => [
    name,
    own.join(", "),
    rules.length === 0 ? "-" : plural(rules.length, "rule"),
    fallback.join(", ") || "-",
    policy,
  ]);
  const classes = Object.values(slaClasses).map(({ name, isDefault }) =>
    isDefault ? `${name} (default)` : name,
  );
  return [
    `${path} is valid (hash ${hash.slice(0, 12)})`,
    table([["POOL", "TARGET", "PROVIDER", "MODEL", "LIMITS"], ...targets]),
    table([["ALIAS", "POOLS", "RULES", "FALLBACK", "POLICY"], ...aliases]),
    `SLA classes: ${classes.join(", ")}. Tenants: ${Object.keys(tenants).join(", ")}.`,
  ].join("\n\n");
}

const limitNames: Readonly<Record<string, string>> = {
  requestsPerMinute: "requests/min",
  tokensPerMinute: "tokens/min",
  inputTokensPerMinute: "input tokens/min",
  outputTokensPerMinute: "output tokens/min",
  concurrency: "at a time",
  tokensPerDay: "tokens/day",
  usdPerDay: "USD/day",
};

function limitsOf(limits: object): string {
  const stated = Object.entries(limits).map(
    ([name, value]) => `${Number(value).toLocaleString("en-US")} ${limitNames[name] ?? name}`,
  );
  return stated.join(", ") || "none";
}
