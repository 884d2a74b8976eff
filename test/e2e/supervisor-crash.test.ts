import { afterAll, beforeAll, expect, test } from "vitest";
import { createApiCaller } from "./kit/api-caller.ts";
import { promptLines, readResults, startBatch, toJsonl, untilEnded } from "./kit/batches.ts";
import { adminKey, makeDataFolder, openaiClient } from "./kit/cluster.ts";
import { type StartedSupervisor, startSupervisor, stillRuns } from "./kit/started-supervisor.ts";
import { until } from "./kit/until.ts";

const config = `
version: 1
providers:
  sim: { kind: simulator, ttft_ms: 500, tokens_per_second: 1000, concurrency: 6 }
pools:
  only: { targets: [{ id: only, provider: sim, model: sim-8b }] }
models:
  auto: { pools: [only] }
`;
const lineCount = 150;

const folder = makeDataFolder(config);
let supervisor: StartedSupervisor;
beforeAll(async () => {
  supervisor = await startSupervisor(folder);
});
afterAll(async () => {
  supervisor?.kill("SIGKILL");
  folder.remove();
});

test("kill -9 of the supervisor leaves no process, and the next start goes on with the batch", async () => {
  const lines = promptLines(lineCount, { model: "auto" });
  const before = openaiClient(supervisor.url);
  const id = await startBatch(createApiCaller({ url: supervisor.url, key: adminKey }), toJsonl(lines));
  await until("some lines have ended", async () => {
    const completed = (await before.batches.retrieve(id)).request_counts?.completed ?? 0;
    return completed >= 20 ? true : undefined;
  });
  const all = supervisor.processes();
  expect(all.length).toBeGreaterThan(8);
  supervisor.kill("SIGKILL");
  await until("nothing is left of it", async () => (all.some(stillRuns) ? undefined : true));

  supervisor = await startSupervisor(folder);
  const openai = openaiClient(supervisor.url);
  const found = await openai.batches.retrieve(id);
  expect(found.request_counts?.completed).toBeLessThan(lineCount);
  const batch = await untilEnded(openai, id);
  expect(batch).toMatchObject({
    status: "completed",
    request_counts: { total: lineCount, completed: lineCount, failed: 0 },
  });
  const { output } = await readResults(openai, batch);
  expect(output.map((line) => line.custom_id).sort()).toEqual(lines.map((line) => line.custom_id).sort());
});

test("SIGTERM ends it with code 0 and leaves no process either", async () => {
  const all = supervisor.processes();
  supervisor.kill("SIGTERM");
  expect(await supervisor.exited).toBe(0);
  expect(all.filter(stillRuns)).toEqual([]);
});
