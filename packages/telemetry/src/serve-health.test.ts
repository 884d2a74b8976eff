import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { createHealth, type HealthOptions } from "./create-health.ts";
import { createMetrics } from "./create-metrics.ts";
import { serveHealth } from "./serve-health.ts";

async function setup(options: HealthOptions = {}) {
  const health = createHealth(options);
  const metrics = createMetrics({ processMetrics: false });
  const server = await serveHealth({ port: 0, health, metrics });
  const read = async (path: string, method = "GET") => {
    const [response] = (await once(
      get({ port: server.port, host: "127.0.0.1", path, method }),
      "response",
    )) as [IncomingMessage];
    return {
      status: response.statusCode,
      type: response.headers["content-type"],
      body: await text(response),
    };
  };
  return { health, metrics, server, read, [Symbol.asyncDispose]: () => server.close() };
}

describe("the health server", () => {
  it("is alive and ready when nothing is wrong", async () => {
    await using test = await setup();
    test.health.addCheck("ledger", () => ({ ok: true }));
    expect(await test.read("/healthz")).toMatchObject({ status: 200, body: '{"status":"ok"}' });
    const ready = await test.read("/readyz?verbose=1");
    expect(ready).toMatchObject({ status: 200, type: "application/json" });
    expect(JSON.parse(ready.body)).toEqual({ ready: true, checks: { ledger: { ok: true } }, warnings: [] });
  });

  it("is alive but not ready while a check fails, and ready again after", async () => {
    await using test = await setup();
    let ok = false;
    test.health.addCheck("ledger", async () => ({ ok, detail: "commit" }));
    expect(await test.read("/healthz")).toMatchObject({ status: 200 });
    expect(await test.read("/readyz")).toMatchObject({ status: 503 });
    ok = true;
    expect(await test.read("/readyz")).toMatchObject({ status: 200 });
  });

  it("stays ready with a warning, names its cause, and tells the metric", async () => {
    const told: [string, boolean][] = [];
    await using test = await setup({ onWarning: (...args) => told.push(args) });
    test.health.addWarning("redis_down", () => ({ ok: false, detail: "jobs wait in the ledger" }));
    test.health.addWarning("lag", () => ({ ok: true }));
    const ready = await test.read("/readyz");
    expect(ready.status).toBe(200);
    expect(JSON.parse(ready.body).warnings).toEqual([
      { cause: "redis_down", detail: "jobs wait in the ledger" },
    ]);
    expect(told).toEqual([
      ["redis_down", true],
      ["lag", false],
    ]);
  });

  it("takes a check that throws or hangs for failed, without telling why to everybody", async () => {
    await using test = await setup({ checkTimeoutMs: 200 });
    test.health.addCheck("sync", () => {
      throw new Error("password of db-17 is wrong");
    });
    test.health.addCheck("async", () => Promise.reject(new Error("password of db-17 is wrong")));
    const aborted = Promise.withResolvers<void>();
    test.health.addCheck("hangs", (signal) => {
      signal.addEventListener("abort", () => aborted.resolve());
      return new Promise(() => undefined);
    });
    const { status, body } = await test.read("/readyz");
    expect(status).toBe(503);
    expect(Object.values(JSON.parse(body).checks)).toEqual([
      { ok: false, detail: "the check failed" },
      { ok: false, detail: "the check failed" },
      { ok: false, detail: "no answer within 200 ms" },
    ]);
    await aborted.promise;
  });

  it("serves the metrics to this machine", async () => {
    await using test = await setup();
    test.metrics.increment("sluice_duplicate_spend_total");
    const { status, type, body } = await test.read("/metrics");
    expect({ status, type }).toEqual({ status: 200, type: test.metrics.contentType });
    expect(body).toContain("sluice_duplicate_spend_total 1");
  });

  it("answers 404 elsewhere and 405 to writes", async () => {
    await using test = await setup();
    expect(await test.read("/")).toMatchObject({ status: 404 });
    expect(await test.read("/healthz", "DELETE")).toMatchObject({ status: 405 });
  });

  it("says that a port is taken, and refuses two checks of one name", async () => {
    await using test = await setup();
    await expect(
      serveHealth({ port: test.server.port, health: test.health, metrics: test.metrics }),
    ).rejects.toThrow(/EADDRINUSE/);
    test.health.addCheck("ledger", () => ({ ok: true }));
    expect(() => test.health.addCheck("ledger", () => ({ ok: true }))).toThrow(/already/);
  });
});
