/** Expected of an answer that nothing is known about yet, at most. */
export const usualOutputTokens = 512;

/** Endpoints whose answers are not generated token by token. */
const withoutOutput: ReadonlySet<string> = new Set(["/v1/embeddings", "/v1/moderations"]);

/** What a job is charged for in the order between tenants: its prompt and the answer that is expected, in tokens. */
export function chargedTokens(job: {
  readonly endpoint: string;
  readonly inputTokens: number;
  readonly maxOutputTokens: number | undefined;
}): number {
  if (withoutOutput.has(job.endpoint)) return job.inputTokens;
  return job.inputTokens + Math.min(job.maxOutputTokens ?? usualOutputTokens, usualOutputTokens);
}
