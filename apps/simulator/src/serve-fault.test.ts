import { describe, expect, test } from "vitest";
import { chat } from "./test-client.ts";
import { completions, json, setup } from "./test-setup.ts";

const asked = (fault: string): Record<string, string> => ({ "x-sim-fault": fault });

describe("a client sees", () => {
  test.each([400, 401, 404, 408, 413, 422, 429, 498, 500, 502, 503, 529])(
    "status %d with the error envelope",
    async (status) => {
      const { client } = await setup();
      const seen = await client.post(completions, chat("x"), asked(String(status)));
      expect(seen.status).toBe(status);
      expect(json(seen).error).toEqual({
        message: expect.stringContaining("injected"),
        type: expect.any(String),
        param: null,
        code: expect.toBeOneOf([null, expect.any(String)]),
      });
      if (status === 429) expect(seen.headers["retry-after"]).toBe("1");
    },
  );

  test("a retry-after as it was given, even garbage", async () => {
    const { client } = await setup();
    const seen = await client.post(completions, chat("x"), asked("429;retry-after=next tuesday"));
    expect(seen.headers["retry-after"]).toBe("next tuesday");
  });

  test("a reset before any reply", async () => {
    const { client, simulator } = await setup();
    const seen = await client.post(completions, chat("x"), asked("reset"));
    expect(seen).toMatchObject({ status: undefined, error: "ECONNRESET" });
    expect(simulator.stats()).toMatchObject({
      by_status: { 0: 1 },
      faults: { by: { reset: 1 } },
      in_flight: 0,
    });
  });

  test("a reset within the body", async () => {
    const { client } = await setup();
    const seen = await client.post(completions, chat("x"), asked("reset-mid-body"));
    // A reset may overtake what was sent before it, on which side depends on the kernel.
    expect(seen.error).toBe("ECONNRESET");
    if (seen.status !== undefined)
      expect(Number(seen.headers["content-length"])).toBeGreaterThan(seen.body.length);
  });

  test("half a JSON text that claims to be whole", async () => {
    const { client } = await setup();
    const seen = await client.post(completions, chat("x", { model: "mödel" }), asked("truncated-json"));
    expect([seen.status, seen.error]).toEqual([200, undefined]);
    expect(Number(seen.headers["content-length"])).toBe(Buffer.byteLength(seen.body));
    expect(() => JSON.parse(seen.body)).toThrow();
  });

  test("a wrong content type", async () => {
    const { client } = await setup();
    const seen = await client.post(completions, chat("x"), asked("wrong-content-type"));
    expect(seen.headers["content-type"]).toContain("text/plain");
    expect(json(seen).object).toBe("chat.completion");
  });

  test("an error with status 200, plain and in a stream", async () => {
    const { client } = await setup();
    const plain = await client.post(completions, chat("x"), asked("error-200"));
    expect([plain.status, json(plain).error.type]).toEqual([200, "server_error"]);
    const streamed = await client.post(completions, chat("x", { stream: true }), asked("error-200"));
    expect(streamed.body).toMatch(/^data: \{"error":/);
  });

  test("plain JSON where it asked for a stream", async () => {
    const { client } = await setup();
    const seen = await client.post(completions, chat("x", { stream: true }), asked("no-stream"));
    expect(json(seen).object).toBe("chat.completion");
  });

  test("a body that drips, whole in the end", async () => {
    const { client } = await setup();
    const seen = await client.post(completions, chat("x", { max_tokens: 1 }), asked("slow-drip;ms=0"));
    expect(json(seen).choices).toHaveLength(1);
  });

  test("a hang that ends in a reset when it has a duration", async () => {
    const { client } = await setup();
    expect((await client.post(completions, chat("x"), asked("hang;ms=20"))).error).toBe("ECONNRESET");
  });

  test("nobody listening until the time is up, then the same port again", async () => {
    const { client, simulator } = await setup();
    expect((await client.post(completions, chat("x"), asked("refuse;ms=600000"))).error).toBe("ECONNRESET");
    expect((await client.post(completions, chat("x"))).error).toBe("ECONNREFUSED");
    simulator.setFaults({ refuseMs: 0 });
    let seen = await client.post(completions, chat("x"));
    while (seen.error === "ECONNREFUSED") seen = await client.post(completions, chat("x"));
    expect(seen.status).toBe(200);
    expect(simulator.stats().by_status).toEqual({ 0: 1, 200: 1 });
  });
});

describe("faults can be asked for", () => {
  test("by a mark in the last user message, for the first calls with that body only", async () => {
    const { client } = await setup();
    const statuses: unknown[] = [];
    for (let call = 0; call < 3; call += 1)
      statuses.push((await client.post(completions, chat("hi [[sim:503*2]]"))).status);
    expect(statuses).toEqual([503, 503, 200]);
    const earlier = {
      model: "m",
      messages: [
        { role: "user", content: "[[sim:500]]" },
        { role: "user", content: "now" },
      ],
    };
    expect((await client.post(completions, earlier)).status).toBe(200);
  });

  test("for all calls at run time, and taken back", async () => {
    const { client, simulator } = await setup();
    expect((await client.post("/_sim/faults", { rules: ["502"], error_rate: 0 })).status).toBe(200);
    expect((await client.post(completions, chat("x"))).status).toBe(502);
    simulator.setFaults({ rules: [] });
    expect((await client.post(completions, chat("x"))).status).toBe(200);
    expect((await client.post("/_sim/faults", { rules: ["nonsense"] })).status).toBe(400);
    expect((await client.post(completions, chat("x"), asked("nonsense"))).status).toBe(400);
    expect(() => simulator.setFaults({ rules: ["nonsense"] })).toThrow(RangeError);
  });

  test("of health answer 503 there and serve calls all the same, until they are taken back", async () => {
    const { client, simulator } = await setup();
    const seen = async () => [
      (await client.get("/health")).status,
      (await client.post(completions, chat("x"))).status,
    ];
    expect(await seen()).toEqual([200, 200]);
    expect((await client.post("/_sim/faults", { unhealthy: true })).status).toBe(200);
    simulator.setFaults({ errorRate: 0 });
    expect(await seen()).toEqual([503, 200]);
    simulator.setFaults({ unhealthy: false });
    expect(await seen()).toEqual([200, 200]);
    expect((await client.post("/_sim/faults", { unhealthy: 1 })).status).toBe(400);
  });

  test("and charge no output when they make none", async () => {
    const { client, simulator } = await setup();
    await client.post(completions, chat("x"), asked("500"));
    expect(simulator.stats()).toMatchObject({
      output_tokens: 0,
      max_tokens_60s: simulator.stats().input_tokens,
    });
  });
});
