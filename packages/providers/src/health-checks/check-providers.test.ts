import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "@sluice/domain";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { type CheckedProvider, checkProviders, type HealthCheck } from "./check-providers.ts";

type Answer = number | ((response: ServerResponse) => void);

/** A provider that answers as the test says at that moment, and what it was asked. */
async function startProvider(answer: { now: Answer }) {
  const asked: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    asked.push(request);
    if (typeof answer.now === "number") response.writeHead(answer.now).end("SECRET");
    else answer.now(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const everySecond: HealthCheck = { intervalMs: 1_000, timeoutMs: 60_000, healthyAfter: 2, unhealthyAfter: 2 };

function setup(providers: Record<string, CheckedProvider>) {
  const timers = new Set<() => void>();
  const at = { now: 1_000 };
  const active = { providers };
  const clock: Clock = {
    now: () => at.now,
    monotonicMs: () => at.now,
    setTimer(_, fn) {
      timers.add(fn);
      return () => timers.delete(fn);
    },
  };
  const changes: (readonly [string, boolean, string | undefined])[] = [];
  const checker = checkProviders({
    providers: () => active.providers,
    clock,
    onChange: (provider, { ok }, failure) => changes.push([provider, ok, failure]),
  });
  onTestFinished(() => checker.close());
  const nextRound = (ms: number): void => {
    at.now += ms;
    const due = [...timers];
    timers.clear();
    for (const fn of due) fn();
  };
  /** Waits for the check that ends at this moment. */
  const checkedAt = (provider: string, moment: number) =>
    vi.waitFor(() => expect(checker.health(provider)?.checkedAt).toBe(moment));
  return { checker, changes, nextRound, checkedAt, timers, active };
}

const openai = (baseUrl: string, changes: Partial<HealthCheck> = {}): CheckedProvider => ({
  kind: "openai",
  baseUrl,
  healthCheck: { ...everySecond, ...changes },
});

describe("the health of a provider", () => {
  test("is bad until a first check has passed, and unknown without a check", async () => {
    const { url } = await startProvider({ now: 200 });
    const { checker, changes, checkedAt } = setup({ a: openai(url), free: { kind: "openai", baseUrl: url } });
    expect(checker.health("a")).toMatchObject({ ok: false, checkedAt: 0 });
    await checkedAt("a", 1_000);
    expect(checker.health("a")).toMatchObject({ ok: true, failures: 0 });
    expect(changes).toEqual([["a", true, undefined]]);
    expect([checker.health("free"), checker.health("none")]).toEqual([undefined, undefined]);
  });

  test("turns bad after failures in a row and good again after passes, and says each turn once", async () => {
    const answer: { now: Answer } = { now: 204 };
    const { url } = await startProvider(answer);
    const { checker, changes, nextRound, checkedAt } = setup({ a: openai(url) });
    await checkedAt("a", 1_000);
    const seen: boolean[] = [];
    for (const [n, status] of [503, 302, 404, 200, 200].entries()) {
      answer.now = status;
      nextRound(1_000);
      await checkedAt("a", 2_000 + n * 1_000);
      seen.push(checker.health("a")?.ok === true);
    }
    expect(seen).toEqual([true, false, false, false, true]);
    expect(changes).toEqual([
      ["a", true, undefined],
      ["a", false, "answered 302"],
      ["a", true, undefined],
    ]);
  });

  test("is asked once an interval, and by the models' list with the provider's credential unless a path is stated", async () => {
    const { url, asked } = await startProvider({ now: 200 });
    const { nextRound, checkedAt } = setup({
      models: { ...openai(`${url}/v1`, { intervalMs: 3_000 }), apiKey: "key-1" },
      path: {
        kind: "anthropic",
        baseUrl: url,
        apiKey: "key-2",
        healthCheck: { ...everySecond, path: "/up?x=1" },
      },
    });
    await checkedAt("models", 1_000);
    await checkedAt("path", 1_000);
    const requests = asked.map(({ method, url: path, headers }) => [
      `${method} ${path}`,
      headers.authorization ?? headers["x-api-key"],
    ]);
    expect(requests.sort()).toEqual([
      ["GET /up?x=1", "key-2"],
      ["GET /v1/models", "Bearer key-1"],
    ]);
    for (const moment of [2_000, 3_000, 4_000]) {
      nextRound(1_000);
      await checkedAt("path", moment);
    }
    await checkedAt("models", 4_000);
    expect(asked).toHaveLength(6);
  });

  test("is bad when no connection comes about", async () => {
    const { url } = await startProvider({ now: (response) => void response.destroy() });
    const { changes, checkedAt } = setup({ a: openai(url), b: openai("http://127.0.0.1:1") });
    await checkedAt("a", 1_000);
    await checkedAt("b", 1_000);
    expect(changes.sort()).toEqual([
      ["a", false, "could not be asked: UND_ERR_SOCKET"],
      ["b", false, "could not be asked: ECONNREFUSED"],
    ]);
  });

  test("is bad when the answer or its end does not come in time, which holds up nobody else", async () => {
    const silent = await startProvider({ now: () => undefined });
    const dripping = await startProvider({ now: (response) => void response.writeHead(200).write("x") });
    const good = await startProvider({ now: 200 });
    const { changes, checkedAt, nextRound } = setup({
      silent: openai(silent.url),
      silentBriefly: openai(silent.url, { timeoutMs: 40 }),
      dripping: openai(dripping.url, { timeoutMs: 40 }),
      good: openai(good.url),
    });
    await checkedAt("good", 1_000);
    await checkedAt("dripping", 1_000);
    await checkedAt("silentBriefly", 1_000);
    expect(new Set(changes)).toEqual(
      new Set([
        ["good", true, undefined],
        ["dripping", false, "did not answer within 40 ms"],
        ["silentBriefly", false, "did not answer within 40 ms"],
      ]),
    );
    nextRound(1_000);
    await checkedAt("good", 2_000);
    // The one whose time is not up is not asked again; the other is.
    await vi.waitFor(() => expect(silent.asked).toHaveLength(3));
  });

  test("is good with an endless answer, of which no more than a bound is read", async () => {
    const closed: boolean[] = [];
    const { url } = await startProvider({
      now: (response) => {
        const more = (): void => {
          while (!response.destroyed && response.write(Buffer.alloc(16_384)));
        };
        response.on("drain", more).on("close", () => closed.push(true));
        more();
      },
    });
    const { checker, checkedAt } = setup({ a: openai(url) });
    await checkedAt("a", 1_000);
    expect(checker.health("a")?.ok).toBe(true);
    await vi.waitFor(() => expect(closed).toEqual([true]));
  });

  test("starts anew with another address or credential, and keeps nothing of a check that ends after that", async () => {
    const held: ServerResponse[] = [];
    const answer: { now: Answer } = { now: 200 };
    const { url } = await startProvider(answer);
    const { checker, active, nextRound, checkedAt, changes } = setup({ a: openai(url) });
    await checkedAt("a", 1_000);
    answer.now = (response) => void held.push(response);
    nextRound(1_000);
    await vi.waitFor(() => expect(held).toHaveLength(1));
    active.providers = { a: { ...openai(url), apiKey: "another" } };
    expect(checker.health("a")).toMatchObject({ ok: false, checkedAt: 0 });
    answer.now = 500;
    nextRound(1_000);
    await checkedAt("a", 3_000);
    held[0]?.end();
    nextRound(1_000);
    await checkedAt("a", 4_000);
    expect(checker.health("a")).toMatchObject({ ok: false, failures: 2, passedAt: 0 });
    expect(changes.map(([, ok]) => ok)).toEqual([true, false]);
    // Settings that change what follows from a check, but not what is checked, keep what is known.
    active.providers = { a: { ...openai(url, { unhealthyAfter: 9 }), apiKey: "another" } };
    expect(checker.health("a")).toMatchObject({ failures: 2 });
  });

  test("starts anew when its check was gone for a while", async () => {
    const { url } = await startProvider({ now: 200 });
    const { checker, active, nextRound, checkedAt } = setup({ a: openai(url) });
    await checkedAt("a", 1_000);
    active.providers = {};
    nextRound(1_000);
    active.providers = { a: openai(url) };
    expect(checker.health("a")).toMatchObject({ ok: false, checkedAt: 0 });
  });

  test("is no longer asked after closing", async () => {
    const { checker, timers } = setup({});
    await checker.close();
    expect(timers.size).toBe(0);
  });
});
