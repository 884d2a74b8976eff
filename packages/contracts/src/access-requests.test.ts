import { describe, expect, test } from "vitest";
import { tenantChangeSchema, tenantRequestSchema, tenantSettings } from "./access-requests.ts";
import { renderTenant } from "./access-views.ts";

const all = {
  requests_per_minute: 1,
  tokens_per_minute: 2,
  concurrency: 3,
  enqueued_tokens: 4,
  usd_per_day: 0.5,
  usd_per_day_per_key: 0.25,
};

describe("the settings of a tenant", () => {
  test("are the defaults of sluice.yaml where nothing is said", () => {
    const asked = tenantRequestSchema.parse({ id: "acme" });
    expect(tenantSettings(asked)).toEqual({ weight: 1, maxPriority: 9, tags: [], limits: {} });
  });

  test("are shown as they were given", () => {
    const asked = tenantRequestSchema.parse({
      id: "acme",
      weight: 2,
      max_priority: 3,
      tags: ["eu"],
      limits: all,
    });
    const settings = tenantSettings(asked);
    expect(renderTenant({ id: "acme", source: "api", settings, stored: undefined })).toMatchObject({
      weight: 2,
      max_priority: 3,
      tags: ["eu"],
      limits: all,
    });
  });

  test("stay where a change says nothing, and null takes a limit away", () => {
    const before = tenantSettings(
      tenantRequestSchema.parse({ id: "acme", weight: 2, tags: ["eu"], limits: all }),
    );
    const change = tenantChangeSchema.parse({ limits: { usd_per_day: null, concurrency: 9 } });
    const { usd_per_day: _gone, ...rest } = all;
    expect(
      renderTenant({
        id: "acme",
        source: "api",
        settings: tenantSettings(change, before),
        stored: undefined,
      }),
    ).toMatchObject({ weight: 2, tags: ["eu"], limits: { ...rest, concurrency: 9, usd_per_day: null } });
  });
});

test.each([
  ["weight", { weight: 0 }],
  ["max_priority", { max_priority: 10 }],
  ["limits.concurrency", { limits: { concurrency: 1.5 } }],
  ["limits.usd_per_day", { limits: { usd_per_day: -1 } }],
  ["an unknown limit", { limits: { tokens_per_day: 5 } }],
  ["an unknown field", { tenant: "x" }],
])("refuses %s that makes no sense", (_what, fields) => {
  expect(tenantRequestSchema.safeParse({ id: "acme", ...fields }).success).toBe(false);
  expect(tenantChangeSchema.safeParse(fields).success).toBe(false);
});
