import type { ApiCaller } from "./api-caller.ts";

/** Requests under way at once: what one client with a pool of connections does. */
const atOnce = 64;

/** Posts these bodies to `POST /v1/jobs` and answers the ids in the same order. Throws when one was not accepted. */
export async function submitJobs(api: ApiCaller, bodies: readonly object[]): Promise<string[]> {
  const ids: string[] = [];
  let next = 0;
  const post = async (): Promise<void> => {
    for (let index = next++; index < bodies.length; index = next++) {
      const answer = await api.post("/v1/jobs", bodies[index]);
      if (answer.status !== 202) throw new Error(`a job was answered ${answer.status}: ${answer.text}`);
      ids[index] = String(answer.body.id);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, post));
  return ids;
}

/** The body of a `POST /v1/jobs` with one chat message, different for each `index`; `fields` are the job's own. */
export function chatJob(
  { model, index, maxTokens }: { model: string; index: number; maxTokens: number },
  fields: object = {},
) {
  const content = `Question ${index}: name three rivers, and what flows into them.`;
  const body = { model, messages: [{ role: "user", content }], max_tokens: maxTokens };
  return { endpoint: "/v1/chat/completions", body, ...fields };
}

/** A job as the API shows it. */
export interface ShownJob {
  readonly id: string;
  readonly status: string;
  readonly created_at: string;
  /** Once it has ended. */
  readonly finished_at?: string;
}

/** Waits until all of these jobs have ended. Throws when they have not within `giveUpAfterMs`. */
export async function untilJobsEnd(
  api: ApiCaller,
  ids: readonly string[],
  giveUpAfterMs: number,
): Promise<ShownJob[]> {
  const giveUpAt = performance.now() + giveUpAfterMs;
  const jobs: ShownJob[] = [];
  for (const id of ids) {
    const read = async (): Promise<ShownJob> => (await api.get(`/v1/jobs/${id}?wait=30`)).body;
    let job = await read();
    for (; job.finished_at === undefined; job = await read())
      if (performance.now() > giveUpAt) throw new Error(`${id} did not end`);
    jobs.push(job);
  }
  return jobs;
}
