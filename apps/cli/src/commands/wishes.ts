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

function digit(text: string): number {
  if (/^[0-9]$/.test(text)) return Number(text);
  throw new CliError(`--priority must be a digit from 0 to 9, got "${text}".`, 2);
}

function pair(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new CliError(`--metadata must be KEY=VALUE, got "${text}".`, 2);
}
