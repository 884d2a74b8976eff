import type { ApiCaller } from "./api-caller.ts";

/** When each job of a batch ended, by its id, in Unix milliseconds. */
export async function finishTimes(api: ApiCaller, batchId: string): Promise<Map<string, number>> {
  const times = new Map<string, number>();
  for (let after = ""; ; ) {
    const { body } = await api.get(`/v1/jobs?batch_id=${batchId}&limit=100${after}`);
    for (const job of body.data) times.set(job.id, Date.parse(job.finished_at));
    if (!body.has_more) return times;
    after = `&after=${body.last_id}`;
  }
}
