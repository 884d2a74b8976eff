import { describe, expect, it } from "vitest";
import { overrideText } from "./override-text.ts";
import { parseConfig } from "./parse-config.ts";

const text = `version: 1
providers: { sim: { kind: simulator } }
pools:
  small: { targets: [ { id: one, provider: sim, model: m, limits: { tokens_per_minute: 1000 } } ] }
models: { auto: { pools: [small] } }
`;

const read = (changed: string) => parseConfig(changed, { file: "sluice.yaml", env: {} });

describe("overrideText", () => {
  it("changes a value in a list and adds one that was not there", () => {
    const changed = overrideText(text, [
      { path: "pools.small.targets[0].limits.tokens_per_minute", value: "500" },
      { path: "pools.small.targets[0].limits.concurrency", value: "3" },
    ]);
    const result = read(changed);
    expect(result.ok && result.config.pools["small"]?.targets[0]?.limits).toEqual({
      tokensPerMinute: 500,
      concurrency: 3,
    });
  });

  it("leaves finding a wrong name or value to the parser", () => {
    const wrong = read(overrideText(text, [{ path: "pools.small.targets[0].limits.tokens", value: "5" }]));
    expect(!wrong.ok && wrong.errors[0]?.message).toContain("tokens");
    const bad = read(overrideText(text, [{ path: "models.auto.pools", value: "none" }]));
    expect(!bad.ok && bad.errors[0]?.path).toBe("models.auto.pools");
  });

  it("says which path leads nowhere", () => {
    expect(() => overrideText(text, [{ path: "version.a.b", value: "1" }])).toThrow(
      "version.a.b cannot be set",
    );
  });

  it("gives back a text that is no YAML", () => {
    expect(overrideText("a: [", [{ path: "a", value: "1" }])).toBe("a: [");
  });
});
