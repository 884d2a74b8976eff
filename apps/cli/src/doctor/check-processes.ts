import { readLocal } from "../api/api-client.ts";
import type { ReadinessView } from "../api/views.ts";
import { type Check, type Finding, fine, wrong } from "./finding.ts";

/** Whether the process whose `/readyz` is below `url` can do its work. */
export function checkProcess(name: string, url: string | undefined): Check {
  return {
    name,
    async run() {
      if (url === undefined) return wrong("does not run: start a cluster with npm start, or set SLUICE_URL.");
      const { status, text } = await readLocal(`${url}/readyz`, 5_000).catch(() => ({ status: 0, text: "" }));
      if (status === 0) return wrong(`does not answer at ${url}: look into its log.`);
      return judgeReadiness(text, url);
    },
  };
}

/** The findings in the body of `/readyz`. */
export function judgeReadiness(text: string, url: string): readonly Omit<Finding, "name">[] {
  const body = parse(text);
  if (body === undefined) return wrong(`${url}/readyz does not answer as Sluice does: check SLUICE_URL.`);
  const failed = Object.entries(body.checks).filter(([, { ok }]) => !ok);
  const errors = failed.map(([name, { detail }]) => ({
    level: "error" as const,
    message: `cannot do its work: ${name}${detail === undefined ? "" : ` (${detail})`}; look into its log.`,
  }));
  const warnings = body.warnings.map(({ cause, detail }) => ({
    level: "warning" as const,
    message: `${cause}${detail === undefined ? "" : `: ${detail}`}`,
  }));
  return errors.length + warnings.length > 0 ? [...errors, ...warnings] : fine(`ready at ${url}`);
}

function parse(text: string): ReadinessView | undefined {
  try {
    const body = JSON.parse(text) as Partial<ReadinessView>;
    return typeof body.ready === "boolean"
      ? { ready: body.ready, checks: body.checks ?? {}, warnings: body.warnings ?? [] }
      : undefined;
  } catch {
    return undefined;
  }
}
