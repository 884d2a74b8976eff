import { SluiceError } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import type { z } from "zod";
import {
  batchListQuerySchema,
  batchRequestSchema,
  jobListQuerySchema,
  jobQuerySchema,
  jobRequestSchema,
  parseBatchRequest,
  routingWishes,
} from "./requests.ts";
import { errorFromIssues, parseWith } from "./zod-errors.ts";

const job = { endpoint: "/v1/chat/completions", body: { model: "auto" } };
const batch = { input_file_id: "file-1", endpoint: "/v1/responses", completion_window: "24h" };

function faultOf(schema: z.ZodType, value: unknown): SluiceError {
  try {
    parseWith(schema, value);
  } catch (error) {
    if (error instanceof SluiceError) return error;
    throw error;
  }
  throw new Error("the value was taken");
}

describe("a job's request", () => {
  test.each([
    ["a missing field", { body: {} }, "missing_required_parameter", "endpoint"],
    ["a missing body", { endpoint: "/v1/responses" }, "missing_required_parameter", "body"],
    ["an unknown field", { ...job, prioritty: 1 }, "unknown_parameter", "prioritty"],
    ["an unknown nested field", { ...job, routing: { pool: ["a"] } }, "unknown_parameter", "routing.pool"],
    ["a wrong type", { ...job, endpoint: 7 }, "invalid_value", "endpoint"],
    ["null for a field", { ...job, sla: null }, "invalid_value", "sla"],
    ["a body that is a list", { ...job, body: [] }, "invalid_value", "body"],
    ["a wrong item", { ...job, routing: { pools: ["a", 2] } }, "invalid_value", "routing.pools[1]"],
    ["an empty list", { ...job, routing: { targets: [] } }, "invalid_value", "routing.targets"],
    ["an unknown word", { ...job, routing: { sort: "speed" } }, "invalid_value", "routing.sort"],
    ["a negative price", { ...job, routing: { max_price: -1 } }, "invalid_value", "routing.max_price"],
    ["a priority above 9", { ...job, priority: 10 }, "invalid_value", "priority"],
    ["a priority below 0", { ...job, priority: -1 }, "invalid_value", "priority"],
    ["half a priority", { ...job, priority: 1.5 }, "invalid_value", "priority"],
    ["no attempts", { ...job, max_attempts: 0 }, "invalid_value", "max_attempts"],
    ["metadata that is no text", { ...job, metadata: { a: 1 } }, "invalid_value", "metadata.a"],
    ["NUL in metadata", { ...job, metadata: { a: "\0" } }, "invalid_value", "metadata.a"],
    ["half a surrogate pair", { ...job, metadata: { a: "\ud800" } }, "invalid_value", "metadata.a"],
    ["NUL in a name", { ...job, routing: { region: "e\0u" } }, "invalid_value", "routing.region"],
    ["metadata above 512", { ...job, metadata: { a: "x".repeat(513) } }, "invalid_value", "metadata.a"],
  ])("names the field of %s", (_, value, code, param) => {
    const fault = faultOf(jobRequestSchema, value);
    expect(fault).toMatchObject({ code, param });
    expect(fault.message).toContain(`'${param}'`);
  });

  test("names no field when the whole is not an object", () => {
    for (const value of [null, [], "x", 1, undefined]) {
      const fault = faultOf(jobRequestSchema, value);
      expect(fault).toMatchObject({ code: "invalid_request", param: undefined });
      expect(fault.message).toMatch(/^The request body is not valid: /);
    }
  });

  test("takes 16 pairs of metadata and refuses the 17th, and keys above 64", () => {
    const pairs = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, ""]));
    expect(() => parseWith(jobRequestSchema, { ...job, metadata: pairs(16) })).not.toThrow();
    expect(faultOf(jobRequestSchema, { ...job, metadata: pairs(17) })).toMatchObject({ param: "metadata" });
    expect(faultOf(jobRequestSchema, { ...job, metadata: { ["k".repeat(65)]: "" } }).code).toBe(
      "invalid_value",
    );
  });

  test("repeats no value, and of a key no more than 64 characters", () => {
    const prompt = "SECRET ".repeat(100);
    const values = [
      { ...job, sla: { prompt } },
      { ...job, endpoint: prompt },
      { ...job, deadline: prompt },
      { ...job, on_ambiguous: prompt },
      { ...job, metadata: { a: [prompt] } },
      { ...job, priority: prompt },
      prompt,
    ];
    for (const value of values)
      expect(JSON.stringify(faultOf(jobRequestSchema, value).message)).not.toContain("SECRET");
    for (const value of [
      { ...job, [prompt]: 1 },
      { ...job, metadata: { [prompt]: "" } },
    ]) {
      const { message, param } = faultOf(jobRequestSchema, value);
      expect(message.length).toBeLessThan(250);
      expect(param?.length).toBeLessThan(80);
    }
  });

  test("keeps what it was given", () => {
    const full = {
      ...job,
      sla: "interactive",
      deadline: "15m",
      priority: 9,
      webhook_url: "https://example.com/",
      metadata: { "key with é": "\u{1f600}" },
      routing: { pools: ["a"], max_price: 0, sort: "price", exclude: ["t"] },
      max_attempts: 20,
      on_ambiguous: "fail",
    };
    expect(parseWith(jobRequestSchema, full)).toEqual(full);
  });
});

const life = (anchor: string, seconds: number) => ({ anchor, seconds });

describe("a batch's request", () => {
  test.each([
    [{ ...batch, completion_window: undefined }, "missing_required_parameter", "completion_window"],
    [{ ...batch, endpoint: "" }, "invalid_value", "endpoint"],
    [{ ...batch, webhook_jobs: "yes" }, "invalid_value", "webhook_jobs"],
    [{ ...batch, file: 1 }, "unknown_parameter", "file"],
    [
      { ...batch, output_expires_after: { seconds: 3600 } },
      "missing_required_parameter",
      "output_expires_after.anchor",
    ],
    [
      { ...batch, output_expires_after: life("finalized_at", 3600) },
      "invalid_value",
      "output_expires_after.anchor",
    ],
    [
      { ...batch, output_expires_after: life("created_at", 3599) },
      "invalid_value",
      "output_expires_after.seconds",
    ],
    [
      { ...batch, output_expires_after: life("created_at", 2_592_001) },
      "invalid_value",
      "output_expires_after.seconds",
    ],
    [
      { ...batch, output_expires_after: life("created_at", 3600.5) },
      "invalid_value",
      "output_expires_after.seconds",
    ],
    [{ ...batch, max_spend_usd: 0 }, "invalid_value", "max_spend_usd"],
    [{ ...batch, max_spend_usd: "5" }, "invalid_value", "max_spend_usd"],
    [{ ...batch, stop_on_error_rate: 0 }, "invalid_value", "stop_on_error_rate"],
    [{ ...batch, stop_on_error_rate: 1.01 }, "invalid_value", "stop_on_error_rate"],
  ])("names the field at fault (%#)", (value, code, param) => {
    expect(faultOf(batchRequestSchema, value)).toMatchObject({ code, param });
  });

  test("takes what it may cost and the share of its lines that may fail", () => {
    const bounds = { max_spend_usd: 0.000001, stop_on_error_rate: 1 };
    expect(parseWith(batchRequestSchema, { ...batch, ...bounds })).toMatchObject(bounds);
  });

  test("may have null for metadata, as OpenAI's clients send", () => {
    expect(parseWith(batchRequestSchema, { ...batch, metadata: null })).toMatchObject({ metadata: null });
  });
});

describe("a list's query", () => {
  test("has OpenAI's defaults and bounds", () => {
    expect(parseWith(batchListQuerySchema, {})).toEqual({ limit: 20 });
    expect(parseWith(batchListQuerySchema, { limit: "100", after: "batch_1" })).toEqual({
      limit: 100,
      after: "batch_1",
    });
    for (const limit of ["0", "101", "x", "1.5", ""]) {
      expect(faultOf(batchListQuerySchema, { limit })).toMatchObject({ param: "limit" });
    }
  });

  test("filters jobs by metadata, and knows no other key", () => {
    expect(parseWith(jobListQuerySchema, { "metadata.a": "b" })).toMatchObject({ "metadata.a": "b" });
    const unknown = faultOf(jobListQuerySchema, { stat: "queued" });
    expect(unknown).toMatchObject({ code: "unknown_parameter", param: "stat" });
    expect(faultOf(jobListQuerySchema, { model: "a\0" })).toMatchObject({ param: "model" });
  });

  test("waits between 0 and 60 s", () => {
    expect(parseWith(jobQuerySchema, { wait: "1.5" })).toEqual({ wait: 1.5 });
    for (const wait of ["-1", "61", "soon"])
      expect(faultOf(jobQuerySchema, { wait })).toMatchObject({ param: "wait" });
  });
});

test("routing wishes change their spelling and drop what was not said", () => {
  expect(routingWishes(undefined)).toEqual({});
  expect(routingWishes({ max_price: 0, region: undefined, pools: ["a"] })).toEqual({
    maxPrice: 0,
    pools: ["a"],
  });
  expect(Object.keys(routingWishes({ region: undefined }))).toEqual([]);
});

test("issues without a finding are still an error", () => {
  expect(errorFromIssues([], {})).toMatchObject({ code: "invalid_request" });
});

describe("the request of a retry", () => {
  test("needs no more than the batch that it retries", () => {
    expect(parseBatchRequest({ retry_of: "batch_1" })).toEqual({ retry_of: "batch_1" });
    const whole = { ...batch, retry_of: "batch_1", metadata: { a: "b" } };
    expect(parseBatchRequest(whole)).toEqual(whole);
    expect(parseBatchRequest({ ...batch, resume_from: "batch_1" })).toMatchObject({ resume_from: "batch_1" });
  });

  test.each([
    [{ retry_of: "batch_1", resume_from: "batch_2" }, "unknown_parameter", "resume_from"],
    [{ retry_of: 7 }, "invalid_value", "retry_of"],
    [{ retry_of: "batch_1", file: 1 }, "unknown_parameter", "file"],
    [{ resume_from: "batch_1" }, "missing_required_parameter", "input_file_id"],
    [null, "invalid_request", undefined],
  ])("refuses %j", (value, code, param) => {
    expect(() => parseBatchRequest(value)).toThrow(expect.objectContaining({ code, param }));
  });
});
