import { quantile } from "../measure/quantile.ts";
import type { Measures } from "../measure/snapshot.ts";
import { jobBodies } from "../prompts.ts";
import { type PhaseContext, pause, until } from "./phase.ts";

/** Idle time between two jobs; uneven, so that it does not beat with anybody's polling. */
const idleMs = [120, 170, 230];

/** Posts single jobs to an idle system: ms from sending the request to the call's arrival at the upstream. */
export async function measurePickUp({ system, upstream, sizes, seed }: PhaseContext): Promise<Measures> {
  await upstream.reset();
  const bodies = jobBodies(seed);
  const latencies: number[] = [];
  for (let index = 0; index < sizes.pickUps; index += 1) {
    await pause(idleMs[index % idleMs.length] ?? 0);
    const sentAt = Date.now();
    const headers = { "content-type": "application/json", ...system.headers };
    const answer = await fetch(system.url, {
      method: "POST",
      headers,
      body: bodies[index % bodies.length] ?? "",
    });
    await answer.arrayBuffer();
    if (answer.status !== 202) throw new Error(`${system.name} answered ${answer.status}`);
    await until(async () => (await upstream.callCount()) > index, 1);
    latencies.push((await upstream.lastCallAt()) - sentAt);
  }
  return { "pickUp.p50Ms": quantile(latencies, 0.5), "pickUp.p95Ms": quantile(latencies, 0.95) };
}
