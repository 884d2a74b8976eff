import { afterEach, expect, test } from "vitest";
import { type FakeApi, startFakeApi } from "../fake-api.fixture.ts";
import { createPoolCounter, parseCallCounts } from "./call-counts.ts";

let worker: FakeApi | undefined;
afterEach(() => worker?.close());

const metrics = (small: number, large: number): string => `# HELP sluice_attempts_total Calls
# TYPE sluice_attempts_total counter
sluice_attempts_total{target="small-a",outcome="succeeded"} ${small}
sluice_attempts_total{target="small-a",outcome="throttled"} 7
sluice_attempts_total{target="large",outcome="succeeded"} ${large}
sluice_tokens_total{target="small-a",direction="input"} 99
`;

test("reads the calls that succeeded and nothing else", () => {
  expect(parseCallCounts(metrics(12, 3))).toEqual({ "small-a": 12, large: 3 });
});

test("counts from the start of the run, by pool, over a restart of the worker", async () => {
  let text = metrics(100, 5);
  worker = await startFakeApi({ "GET /metrics": () => ({ text }) });
  const counter = await createPoolCounter({ workers: [worker.url], pools: { "small-a": "small" } });
  expect(await counter.read()).toEqual({});
  text = metrics(110, 5);
  expect(await counter.read()).toEqual({ small: 10 });
  text = metrics(4, 1);
  expect(await counter.read()).toEqual({ small: 14, large: 1 });
});

test("a worker that does not answer counts as before", async () => {
  worker = await startFakeApi({ "GET /metrics": { text: metrics(1, 0) } });
  const counter = await createPoolCounter({ workers: [worker.url], pools: {} });
  await worker.close();
  worker = undefined;
  expect(await counter.read()).toEqual({});
});
