import { afterAll, beforeAll, expect, test } from "vitest";
import { promptLines, readResults, startBatch, toJsonl, untilEnded } from "./kit/batches.ts";
import { startTestCluster, type TestCluster } from "./kit/cluster.ts";
import { finishTimes } from "./kit/finish-times.ts";
import { type Kill, recoveryTable } from "./kit/recovery-table.ts";
import { until } from "./kit/until.ts";

// Ten calls at a time at first, so that the batch lasts through all the kills however slow the machine is.
const config = (concurrency: number) => `
version: 1
providers:
  sim: { kind: simulator, ttft_ms: 900, tokens_per_second: 1000 }
pools:
  only:
    targets:
      - { id: only, provider: sim, model: sim-8b, limits: { concurrency: ${concurrency} } }
models:
  auto: { pools: [only] }
`;
const lineCount = 700;
const victims = ["api", "dispatcher", "worker-1", "delivery", "redis", "postgres"];
/** Lines that end between one kill and the next: the cluster works again. */
const steadyLines = 20;

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster({ config: config(10) });
});
afterAll(() => cluster?.stop());

test("a batch survives kill -9 of every role and of both servers, one after the other", async () => {
  const { api, openai } = cluster;
  const lines = promptLines(lineCount, { model: "auto" });
  const id = await startBatch(api, toJsonl(lines));
  const kills: Kill[] = [];
  await untilEndedMore(id, steadyLines);
  for (const name of victims) {
    kills.push(await killAndWait(name));
    await untilEndedMore(id, steadyLines);
  }
  expect((await openai.batches.retrieve(id)).status).toBe("in_progress");
  cluster.reconfigure(config(64));

  const batch = await untilEnded(openai, id);
  expect(batch).toMatchObject({
    status: "completed",
    request_counts: { total: lineCount, completed: lineCount, failed: 0 },
  });
  const { output } = await readResults(openai, batch);
  expect(output.map((line) => line.custom_id).sort()).toEqual(lines.map((line) => line.custom_id).sort());
  expect(await placesTaken()).toBe(0);
  console.log(recoveryTable(kills, await finishTimes(cluster.api, id)));
});

/** Calls that capacity counts as in flight when a worker looks at it for a new job. */
async function placesTaken(): Promise<number> {
  const { api } = cluster;
  const { body } = await api.post("/v1/jobs", {
    endpoint: "/v1/chat/completions",
    body: { model: "auto", messages: [{ role: "user", content: "Name three rivers." }] },
  });
  const route = await until("a route is decided", async () => {
    const answer = await api.get(`/v1/jobs/${body.id}/route`);
    return answer.body?.dry_run === false ? answer.body : undefined;
  });
  return route.signals.only.in_flight;
}

/** kill -9; answers when the supervisor has the process ready again. */
async function killAndWait(name: string): Promise<Kill> {
  const inFlight = await inFlightJobs();
  const ready = cluster.supervised.waitFor((event) => event.type === "ready" && event.name === name);
  const at = Date.now();
  await cluster.kill(name);
  await ready;
  return { name, at, readyAt: Date.now(), inFlight };
}

async function inFlightJobs(): Promise<string[]> {
  const calls = (await cluster.simulators["sim"]?.calls()) ?? [];
  return calls.flatMap((call) => (call.status === null ? [call.x_sluice_job_id ?? ""] : []));
}

/** Waits until `more` lines have ended than had when the API first answered. */
async function untilEndedMore(id: string, more: number): Promise<void> {
  const endedLines = async (): Promise<number> => {
    const { body } = await cluster.api.get(`/v1/batches/${id}`);
    return body.request_counts.completed + body.request_counts.failed;
  };
  const before = await until("the API answers", endedLines);
  await until(`${more} more lines end`, async () =>
    (await endedLines()) >= before + more ? true : undefined,
  );
}
