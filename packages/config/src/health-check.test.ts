import { expect, test } from "vitest";
import { accepted, edit, refused, smallest } from "./test-kit.ts";

const withProvider = (provider: string) =>
  edit(smallest, "{ kind: simulator, requests_per_minute: 600, concurrency: 32 }", provider);
const checked = (check: string) =>
  withProvider(`{ kind: openai, base_url: "http://10.0.0.7:8000/v1", health_check: ${check} }`);

test("a health check has defaults for all that it does not say", () => {
  const { config } = accepted(checked("{}"));
  expect(config.providers["sim"]).toMatchObject({
    healthCheck: { intervalMs: 10_000, timeoutMs: 5_000, healthyAfter: 2, unhealthyAfter: 3 },
  });
});

test("a health check of either kind of provider may say all of it", () => {
  const check = "{ path: /health, interval: 2s, timeout: 500ms, healthy_after: 1, unhealthy_after: 1 }";
  const healthCheck = {
    path: "/health",
    intervalMs: 2_000,
    timeoutMs: 500,
    healthyAfter: 1,
    unhealthyAfter: 1,
  };
  expect(accepted(checked(check)).config.providers["sim"]).toMatchObject({ healthCheck });
  const anthropic = withProvider(`{ kind: anthropic, health_check: ${check} }`);
  expect(accepted(anthropic).config.providers["sim"]).toMatchObject({ healthCheck });
  expect(accepted(checked("{ interval: 2s }")).config.providers["sim"]).toMatchObject({
    healthCheck: { intervalMs: 2_000, timeoutMs: 2_000 },
  });
  const other = accepted(checked("{ path: /other }")).config.hash;
  expect(other).not.toBe(accepted(checked("{}")).config.hash);
});

test.each([
  ['{ path: "//other.host/health" }', "path", 'must be a path such as /health, got "//other.host/health"'],
  ['{ path: "/\\\\other.host" }', "path", "must be a path such as /health"],
  ['{ path: "http://other.host/" }', "path", "must be a path such as /health"],
  ["{ interval: 500ms }", "interval", "must be 1s or more"],
  ["{ interval: 2s, timeout: 3s }", "timeout", "must not exceed health_check.interval"],
  ["{ unhealthy_after: 0 }", "unhealthy_after", "must be a positive integer"],
])("the health check %s is refused by its key %s", (check, key, says) => {
  expect(refused(checked(check))[0]).toContain(`providers.sim.health_check.${key} ${says}`);
});

test("a simulator has no health check, and a target may say its version", () => {
  expect(refused(withProvider("{ kind: simulator, health_check: {} }"))[0]).toContain("health_check");
  const versioned = edit(smallest, "model: m }", 'model: m, version: "2026-11" }');
  const { config } = accepted(versioned);
  expect(config.pools["small"]?.targets[0]?.version).toBe("2026-11");
  expect(config.hash).not.toBe(accepted(smallest).config.hash);
  expect(refused(edit(smallest, "model: m }", "model: m, version: 2 }"))[0]).toContain("must be a text");
});
