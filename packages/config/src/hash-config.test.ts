// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${NAME} in plain text is what this file is about.
import fc from "fast-check";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { accepted, edit, smallest } from "./test-kit.ts";

type Written = Record<string, unknown>;

const name = fc.stringMatching(/^[a-z][a-z0-9._-]{0,8}$/);
const count = fc.integer({ min: 1, max: 1_000_000 });
const optional = { requiredKeys: [] as never[] };

const limits = fc.record(
  {
    requests_per_minute: count,
    tokens_per_minute: count,
    concurrency: count,
    usd_per_day: fc.double({ min: 0.01, max: 1e6, noNaN: true }),
  },
  optional,
);
const price = fc.record(
  { input: fc.double({ min: 0, max: 100, noNaN: true }), output: fc.integer({ min: 0, max: 9 }) },
  optional,
);
const duration = fc
  .tuple(fc.integer({ min: 1, max: 99 }), fc.constantFrom("s", "m", "h", "d"))
  .map(([n, unit]) => `${n}${unit}`);

/** Valid files as plain values: unique names, every reference exists, one default class. */
const validFile = fc
  .record({
    providers: fc.uniqueArray(name, { minLength: 1, maxLength: 3 }),
    pools: fc.uniqueArray(name, { minLength: 1, maxLength: 3 }),
    models: fc.uniqueArray(name, { minLength: 1, maxLength: 3 }),
    classes: fc.uniqueArray(name, { minLength: 1, maxLength: 3 }),
    limits,
    price,
    deadline: duration,
    attempts: fc.integer({ min: 1, max: 99 }),
    tags: fc.array(name, { maxLength: 2 }),
  })
  .map(
    (parts): Written => ({
      version: 1,
      providers: Object.fromEntries(parts.providers.map((id) => [id, { kind: "simulator", concurrency: 4 }])),
      pools: Object.fromEntries(
        parts.pools.map((id, index) => [
          id,
          {
            targets: [
              {
                id: `t${index}`,
                provider: parts.providers[index % parts.providers.length],
                model: "m",
                limits: parts.limits,
                price: parts.price,
                tags: parts.tags,
              },
            ],
          },
        ]),
      ),
      models: Object.fromEntries(parts.models.map((id) => [id, { pools: parts.pools }])),
      sla_classes: Object.fromEntries(
        parts.classes.map((id, index) => [id, { deadline: parts.deadline, default: index === 0 }]),
      ),
      retry: { max_attempts: parts.attempts },
    }),
  );

test("a valid file has one hash, however its keys are ordered and its YAML is written", () => {
  fc.assert(
    fc.property(validFile, (file) => {
      const { config } = accepted(stringify(file));
      const rewritten = accepted(JSON.stringify(withKeysReversed(file))).config;
      expect(rewritten).toEqual(config);
      expect(rewritten.hash).toBe(config.hash);
    }),
    { numRuns: 150 },
  );
});

test("a change of any effective value changes the hash", () => {
  fc.assert(
    fc.property(validFile, fc.constantFrom("retry", "webhooks", "limits"), (file, section) => {
      const changes: Record<string, Written> = {
        retry: { retry: { max_attempts: 100 } },
        webhooks: { webhooks: { timeout: "14s" } },
        limits: { limits: { batch_lines: 49_999 } },
      };
      const changed = accepted(stringify({ ...file, ...changes[section] })).config;
      expect(changed.hash).not.toBe(accepted(stringify(file)).config.hash);
    }),
    { numRuns: 60 },
  );
});

test("writing a default down leaves the hash as it is", () => {
  const written = `${smallest}retry: { max_attempts: 5, base: 0.5s }\nlimits: { job_body_bytes: 16000000 }\n`;
  expect(accepted(written).config.hash).toBe(accepted(smallest).config.hash);
});

test("a credential is no part of the hash, the address it goes to is", () => {
  const withProvider = (fields: string) =>
    edit(smallest, "providers:\n", `providers:\n  o: { kind: openai, ${fields} }\n`);
  const first = accepted(withProvider('api_key: "${KEY}"'), { KEY: "one" }).config;
  const second = accepted(withProvider('api_key: "${KEY}"'), { KEY: "another" }).config;
  const elsewhere = accepted(withProvider('api_key: "${KEY}", base_url: "http://elsewhere"'), {
    KEY: "one",
  }).config;
  expect(second.hash).toBe(first.hash);
  expect(elsewhere.hash).not.toBe(first.hash);
});

function withKeysReversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withKeysReversed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, field]) => [key, withKeysReversed(field)]),
  );
}
