import { describe, expect, test } from "vitest";
import { candidateTargets, decideRoute, readsRequest } from "./index.ts";
import { callPlanOf } from "./plan-calls.ts";
import { makeConfig, makeInput, makeRequest, makeTarget } from "./testing/make-input.ts";

const claude = makeTarget("claude", { endpoints: ["/v1/messages"] });
const gpt = makeTarget("gpt");
const both = makeTarget("both", { endpoints: ["/v1/messages", "/v1/responses"] });
const vectors = makeTarget("vectors", { endpoints: ["/v1/embeddings"] });
const messages = [{ role: "user", content: "a secret" }];
const body = (more: object = {}) => ({ model: "auto", messages, ...more });

describe("a target of another dialect", () => {
  test("is called there when the request can be said in it, and the decision says so", () => {
    const route = decideRoute(makeInput([claude, gpt, vectors], { request: makeRequest({ body: body() }) }));
    expect(route.candidates.map(({ target, translated, dropped }) => [target, translated, dropped])).toEqual([
      ["claude", "/v1/messages", undefined],
      ["gpt", undefined, undefined],
      ["vectors", undefined, { filter: "serves-endpoint", reason: "does not serve /v1/chat/completions" }],
    ]);
  });

  test("is dropped with the field when it cannot, and without any of its content", () => {
    const request = makeRequest({ body: body({ n: 2 }) });
    const { candidates, order } = decideRoute(makeInput([claude, gpt], { request }));
    expect(candidates[0]?.dropped).toEqual({
      filter: "serves-endpoint",
      reason: "serves /v1/messages only, and 'n' asks for several answers, which only chat completions give",
    });
    expect(order).toEqual(["gpt"]);
  });

  test("is called at the first of its endpoints that the request can be said for", () => {
    expect(callPlanOf(makeRequest({ body: body() }), both)).toEqual({
      kind: "translated",
      endpoint: "/v1/responses",
    });
    expect(callPlanOf(makeRequest({ body: body({ stop: "END" }) }), both)).toEqual({
      kind: "translated",
      endpoint: "/v1/messages",
    });
    expect(callPlanOf(makeRequest({ body: body({ n: 2 }) }), both)).toMatchObject({
      kind: "refused",
      endpoint: "/v1/responses",
      field: "n",
    });
  });

  test("counts as able to serve while the body is not known", () => {
    const config = makeConfig([claude, vectors]);
    expect(candidateTargets(makeRequest(), config, 0)).toEqual([claude]);
    expect(callPlanOf(makeRequest(), claude)).toEqual({ kind: "translated", endpoint: "/v1/messages" });
    expect(candidateTargets(makeRequest({ endpoint: "/v1/embeddings" }), config, 0)).toEqual([vectors]);
  });
});

test("a decision needs the body only where a target of the model would be called in another dialect", () => {
  const alias = { name: "auto", pools: ["main"], fallback: [], policy: "balanced" };
  const reads = (targets: Parameters<typeof makeConfig>[0], endpoint = "/v1/chat/completions") =>
    readsRequest(makeConfig(targets), alias, endpoint);
  expect(reads([gpt, vectors])).toBe(false);
  expect(reads([gpt, claude])).toBe(true);
  expect(reads([claude], "/v1/messages")).toBe(false);
  expect(reads([claude, vectors], "/v1/embeddings")).toBe(false);
});
