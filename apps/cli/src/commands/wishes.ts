import { CliError } from "../context.ts";

/** The flags with which a job or a batch can be tagged. */
export interface TagFlags {
  readonly sla?: string | undefined;
  readonly deadline?: string | undefined;
  readonly priority?: string | undefined;
  readonly webhookUrl?: string | undefined;
  readonly metadata?: readonly string[] | undefined;
}

/** The tags that jobs and batches spell alike. Throws {@link CliError} (exit code 2) on a flag that cannot be read. */
export function tagsOf({ sla, priority, webhookUrl, metadata }: TagFlags) {
  return {
    ...(sla === undefined ? {} : { sla }),
    ...(priority === undefined ? {} : { priority: digit(priority) }),
    ...(webhookUrl === undefined ? {} : { webhook_url: webhookUrl }),
    ...(metadata === undefined || metadata.length === 0
      ? {}
      : { metadata: Object.fromEntries(metadata.map(pair)) }),
  };
}

/** The flags that end a batch early. */
export interface StopFlags {
  readonly maxSpend?: string | undefined;
  readonly stopOnErrorRate?: string | undefined;
}

/** What a batch may cost and how many of its lines may fail. Throws {@link CliError} (exit code 2) as {@link tagsOf} does. */
export function stopsOf({ maxSpend, stopOnErrorRate }: StopFlags) {
  return {
    ...(maxSpend === undefined ? {} : { max_spend_usd: dollars(maxSpend) }),
    ...(stopOnErrorRate === undefined ? {} : { stop_on_error_rate: share(stopOnErrorRate) }),
  };
}

function dollars(text: string): number {
  const value = Number(text);
  if (value > 0 && value < Number.POSITIVE_INFINITY) return value;
  throw new CliError(`--max-spend must be a number of US dollars above 0, got "${text}".`, 2);
}

function share(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 1) return value;
  throw new CliError(`--stop-on-error-rate must be a number above 0 and at most 1, got "${text}".`, 2);
}

function digit(text: string): number {
  if (/^[0-9]$/.test(text)) return Number(text);
  throw new CliError(`--priority must be a digit from 0 to 9, got "${text}".`, 2);
}

function pair(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new CliError(`--metadata must be KEY=VALUE, got "${text}".`, 2);
}
