import { type EngineConfig, idFromUuid, tenantId } from "@sluice/domain";
import { candidateSetId } from "@sluice/routing";
import { assert, integer, property } from "fast-check";
import { describe, expect, test } from "vitest";
import { sampleMoment as now, sampleConfig, sampleTarget, sampleUuid } from "../../../test/kit/samples.ts";
import { type JobRequestFields, requireServed, specJob, targetsOf } from "./spec-job.ts";
import { tenantConfig } from "./tenant-config.ts";

const fields: JobRequestFields = {
  tenantId: tenantId("default"),
  endpoint: "/v1/responses",
  model: "auto",
  inputTokens: 10,
  maxOutputTokens: undefined,
  capabilities: [],
};

const made = {
  id: idFromUuid("job", sampleUuid),
  body: { kind: "inline", bytes: Buffer.from("{}") },
  now,
} as const;

const spec = (changes: Partial<JobRequestFields> = {}, config: EngineConfig = sampleConfig()) =>
  specJob({ ...fields, ...changes }, config, made);

const faultOf = (changes: Partial<JobRequestFields>, config?: EngineConfig) => {
  try {
    spec(changes, config);
  } catch (error) {
    return error;
  }
  return undefined;
};

describe("specJob", () => {
  test("takes what the request leaves out from its SLA class and the configuration", () => {
    expect(spec()).toEqual({
      ...fields,
      ...made,
      now: undefined,
      sla: "standard",
      priority: 0,
      acceptedAt: now,
      deadlineAt: now + 900_000,
      effectiveDeadlineAt: now + 900_000,
      onMiss: "expire",
      onAmbiguous: "retry",
      maxAttempts: 3,
      metadata: {},
      routing: {},
      webhookUrl: undefined,
      traceparent: undefined,
      batchLine: undefined,
      candidateSet: candidateSetId([{ id: "one" }, { id: "two" }]),
      tokens: fields.inputTokens + 512,
      keyId: undefined,
      estimate: undefined,
    });
    expect(spec({ sla: "batch" })).toMatchObject({ sla: "batch", deadlineAt: now + 86_400_000 });
  });

  test("prefers what the request says", () => {
    const said = {
      onAmbiguous: "fail",
      maxAttempts: 7,
      metadata: { a: "b" },
      routing: { region: "eu" },
    } as const;
    expect(spec(said)).toMatchObject(said);
  });

  test.each([
    ["1s", 1_000],
    ["15m", 900_000],
    ["24h", 86_400_000],
    ["3660d", 3_660 * 86_400_000],
    ["2026-11-20T15:00:01.123Z", 1_000],
    ["2026-11-20t15:00:01.123z", 1_000],
    ["2026-11-20T17:00:01.123+02:00", 1_000],
    ["2026-11-20T15:00:01Z", 877],
  ])("reads the deadline %s", (deadline, ms) => {
    expect(spec({ deadline }).deadlineAt - now).toBe(ms);
  });

  test.each([
    "",
    "soon",
    "15",
    "-1m",
    "1.5h",
    "15 m",
    "0s",
    "3661d",
    "9007199254740991ms",
    "99999999999999999d",
    "2026-11-20T15:00:00.123Z",
    "2020-01-01T00:00:00Z",
    "9999-01-01T00:00:00Z",
    "2026-11-21",
    "2026-11-21T15:00",
    "2026-11-21T15:00:00",
    "2027-02-30T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-11-21T25:00:00Z",
    "2026-11-21T15:00:00Z and more",
  ])("refuses the deadline %j", (deadline) => {
    expect(faultOf({ deadline })).toMatchObject({ code: "invalid_value", param: "deadline" });
  });

  test("moves the effective deadline towards acceptance with each step of priority", () => {
    assert(
      property(integer({ min: 0, max: 9 }), integer({ min: 1, max: 10_000_000 }), (priority, lasts) => {
        const job = spec({ priority, deadline: `${lasts}ms` });
        const expected = job.deadlineAt - (priority / 10) * lasts;
        expect(job.effectiveDeadlineAt).toBeCloseTo(expected, 3);
        expect(job.effectiveDeadlineAt).toBeGreaterThan(now);
      }),
    );
  });

  test("refuses a priority that is none, or above what the tenant may use", () => {
    const config = sampleConfig(undefined, {
      tenants: { default: { weight: 1, limits: {}, maxPriority: 4 } },
    });
    expect(spec({ priority: 4 }, config).priority).toBe(4);
    for (const priority of [5, -1, 0.5, Number.NaN]) {
      expect(faultOf({ priority }, config)).toMatchObject({ code: "invalid_value", param: "priority" });
    }
  });

  test("refuses an SLA class that is not configured, and names those that are", () => {
    const fault = faultOf({ sla: "gold" });
    expect(fault).toMatchObject({
      code: "invalid_value",
      param: "sla",
      message: "'sla' must be one of: standard, batch.",
    });
    expect(faultOf({ sla: "constructor" })).toMatchObject({ param: "sla" });
  });

  test.each(["nope", "", "Auto", "constructor", "__proto__", "toString"])("refuses the model %j", (model) => {
    expect(faultOf({ model })).toMatchObject({ code: "unknown_model", param: "body.model" });
  });

  test("refuses an endpoint that no target of the model serves", () => {
    const config = sampleConfig([sampleTarget("one", { endpoints: ["/v1/embeddings"] })]);
    expect(faultOf({}, config)).toMatchObject({ code: "unsupported_endpoint", param: "endpoint" });
    expect(() =>
      requireServed(config, { model: "auto", endpoint: "/v1/embeddings", parsedBody: {} }),
    ).not.toThrow();
  });

  test("takes a target of another dialect if the request can be said there, and names the field if not", () => {
    const config = sampleConfig([sampleTarget("claude", { endpoints: ["/v1/messages"] })]);
    const endpoint = "/v1/chat/completions";
    const messages = [{ role: "user", content: "a secret" }];
    expect(spec({ endpoint, parsedBody: { model: "auto", messages } }, config).model).toBe("auto");
    expect(
      faultOf({ endpoint, parsedBody: { model: "auto", messages, logprobs: true } }, config),
    ).toMatchObject({
      code: "untranslatable_request",
      param: "body.logprobs",
      message:
        "No target of model 'auto' serves /v1/chat/completions itself, and 'logprobs' asks for log probabilities, which are not carried over.",
    });
    expect(faultOf({ endpoint: "/v1/embeddings" }, config)).toMatchObject({ code: "unsupported_endpoint" });
    // A set is named as the body says, so that those that can be translated share a window and the others do not.
    const both = sampleConfig([sampleTarget("claude", { endpoints: ["/v1/messages"] }), sampleTarget("gpt")]);
    const setOf = (body: object) =>
      spec({ endpoint, parsedBody: { model: "auto", messages, ...body } }, both).candidateSet;
    expect(setOf({})).not.toBe(setOf({ logprobs: true }));
    expect(setOf({})).toBe(setOf({ user: "u" }));
  });

  test("counts the targets of fallback pools as able to serve", () => {
    const spare = sampleTarget("spare", { pool: "spare" });
    const config = sampleConfig([], {
      pools: { main: { name: "main", targets: [] }, spare: { name: "spare", targets: [spare] } },
      models: { auto: { name: "auto", pools: ["main"], fallback: ["spare", "gone"], policy: "balanced" } },
    });
    expect(spec({}, config).model).toBe("auto");
    expect(
      targetsOf(config, { name: "auto", pools: ["main"], fallback: ["spare", "gone"], policy: "" }),
    ).toEqual([spare]);
  });
});

test("a tenant has its own settings, else the default tenant's, else none", () => {
  const own = { weight: 2, limits: {}, maxPriority: 1 };
  const fallback = { weight: 1, limits: {}, maxPriority: 5 };
  const config = sampleConfig(undefined, { tenants: { own, default: fallback } });
  expect(tenantConfig(config, tenantId("own"))).toBe(own);
  expect(tenantConfig(config, tenantId("constructor"))).toBe(fallback);
  expect(tenantConfig(sampleConfig(undefined, { tenants: {} }), tenantId("own"))).toMatchObject({
    maxPriority: 9,
  });
});

test("jobs that the money of their key can hold back have a window of their own", () => {
  const tenants = { default: { weight: 1, limits: { usdPerDayPerKey: 2 }, maxPriority: 9 } };
  const thrifty = sampleConfig(undefined, { tenants });
  const set = (changes: Partial<JobRequestFields>, config?: EngineConfig) =>
    spec(changes, config).candidateSet;
  expect(set({ keyId: "a" })).toBe(set({}));
  expect(set({ keyId: "a" }, thrifty)).not.toBe(set({ keyId: "a" }));
  expect(set({ keyId: "a" }, thrifty)).not.toBe(set({ keyId: "b" }, thrifty));
  expect(set({ keyId: "a", keyUsdPerDay: 3 })).toBe(set({ keyId: "a" }, thrifty));
});
