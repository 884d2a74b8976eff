import type { JobOptions } from "../types.ts";

/** Never leaves this process: a queued call reads it and makes a job of it. */
const header = "x-sluice-job";

/**
 * What one call says of its job, as the second argument of `create`:
 * `openai.chat.completions.create(params, asJob({ sla: "batch", deadline: "2h" }))`.
 */
export function asJob(options: JobOptions): { headers: Record<string, string> } {
  // Headers carry no other characters than Latin-1.
  return { headers: { [header]: encodeURIComponent(JSON.stringify(options)) } };
}

/** What a call's headers say of its job: {@link asJob}'s, and the tags that Sluice takes with any create call. */
export function jobOptionsOf(headers: Headers): JobOptions {
  const own = headers.get(header);
  const priority = headers.get("x-sluice-priority");
  const tags: JobOptions = {
    sla: headers.get("x-sluice-sla") ?? undefined,
    deadline: headers.get("x-sluice-deadline") ?? undefined,
    priority: priority === null ? undefined : Number(priority),
    webhook_url: headers.get("x-sluice-webhook-url") ?? undefined,
  };
  return {
    ...(Object.fromEntries(Object.entries(tags).filter(([, value]) => value !== undefined)) as JobOptions),
    ...(own === null ? {} : (JSON.parse(decodeURIComponent(own)) as JobOptions)),
  };
}
