import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "@sluice/domain";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { type EngineSettings, scrapeEngines } from "./scrape-engines.ts";

/** An engine whose page a test writes; `undefined` never answers, a number is a status. */
async function startEngine(page: { now: string | number | undefined }): Promise<string> {
  const server = createServer((_request, response) => {
    if (page.now === undefined) return;
    if (typeof page.now === "number") response.writeHead(page.now).end("no");
    else response.end(page.now);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
}

function setup(engines: Record<string, EngineSettings>) {
  const timers = new Set<() => void>();
  const at = { now: 1_000 };
  const clock: Clock = {
    now: () => at.now,
    monotonicMs: () => at.now,
    setTimer(_, fn) {
      timers.add(fn);
      return () => timers.delete(fn);
    },
  };
  const failures: string[] = [];
  const scraper = scrapeEngines({
    engines: () => engines,
    clock,
    onError: (provider) => failures.push(provider),
  });
  onTestFinished(() => scraper.close());
  const nextRound = (ms: number): void => {
    at.now += ms;
    const due = [...timers];
    timers.clear();
    for (const fn of due) fn();
  };
  return { scraper, failures, nextRound, timers };
}

describe("the scraper of engines", () => {
  test("keeps what each engine said last, with when it was read", async () => {
    const page = { now: "vllm:num_requests_waiting 3" };
    const { scraper, nextRound } = setup({ a: { kind: "vllm", metricsUrl: await startEngine(page) } });
    expect(scraper.load("a")).toEqual({ scrapedAt: 0 });
    await vi.waitFor(() => expect(scraper.load("a")).toEqual({ waiting: 3, scrapedAt: 1_000 }));
    page.now = "vllm:num_requests_waiting 8";
    nextRound(1_000);
    await vi.waitFor(() => expect(scraper.load("a")).toEqual({ waiting: 8, scrapedAt: 2_000 }));
    expect(scraper.load("other")).toBeUndefined();
  });

  test("adds the GPUs that DCGM knows", async () => {
    const metricsUrl = await startEngine({ now: "sglang:num_queue_reqs 1" });
    const dcgmUrl = await startEngine({ now: "DCGM_FI_DEV_GPU_UTIL 40" });
    const { scraper } = setup({ a: { kind: "sglang", metricsUrl, dcgmUrl } });
    await vi.waitFor(() =>
      expect(scraper.load("a")).toEqual({ waiting: 1, gpuUtilisation: 0.4, scrapedAt: 1_000 }),
    );
  });

  test("lets an engine that fails grow stale, says so once, and takes it back", async () => {
    const page: { now: string | number } = { now: "vllm:num_requests_waiting 3" };
    const { scraper, failures, nextRound } = setup({
      a: { kind: "vllm", metricsUrl: await startEngine(page) },
    });
    await vi.waitFor(() => expect(scraper.load("a")?.scrapedAt).toBe(1_000));
    page.now = 500;
    nextRound(1_000);
    await vi.waitFor(() => expect(failures).toEqual(["a"]));
    await vi.waitFor(() => {
      nextRound(1_000);
      page.now = "vllm:num_requests_waiting 4";
      expect(scraper.load("a")?.waiting).toBe(4);
    });
    expect(failures).toEqual(["a"]);
  });

  test("is not held up by an engine that does not answer", async () => {
    const { scraper, nextRound } = setup({
      silent: { kind: "vllm", metricsUrl: await startEngine({ now: undefined }) },
      good: { kind: "vllm", metricsUrl: await startEngine({ now: "vllm:num_requests_waiting 0" }) },
    });
    await vi.waitFor(() => expect(scraper.load("good")?.scrapedAt).toBe(1_000));
    nextRound(1_000);
    await vi.waitFor(() => expect(scraper.load("good")?.scrapedAt).toBe(2_000));
    expect(scraper.load("silent")).toEqual({ scrapedAt: 0 });
  });

  test("stops when it is closed", async () => {
    const { scraper, timers } = setup({});
    await scraper.close();
    expect(timers.size).toBe(0);
  });
});
