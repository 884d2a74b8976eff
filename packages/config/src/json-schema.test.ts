import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { configJsonSchema } from "./json-schema.ts";

type JsonSchema = Record<string, unknown>;

const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");

/** Every key a user may write, as `section.key`, with `*` for a name of the user's. */
function keyPaths(schema: JsonSchema, path: readonly string[] = []): readonly string[] {
  const properties = Object.entries((schema["properties"] ?? {}) as Record<string, JsonSchema>);
  const branches = [...((schema["anyOf"] ?? schema["oneOf"] ?? []) as JsonSchema[])];
  const values = schema["additionalProperties"];
  return [
    ...(path.length > 0 ? [path.join(".")] : []),
    ...properties.flatMap(([key, value]) => keyPaths(value, [...path, key])),
    ...(typeof values === "object" ? keyPaths(values as JsonSchema, [...path, "*"]) : []),
    ...(typeof schema["items"] === "object" ? keyPaths(schema["items"] as JsonSchema, path) : []),
    ...branches.flatMap((branch) => keyPaths(branch, path)),
  ];
}

const keys = [...new Set(keyPaths(configJsonSchema()))].filter((path) => !path.endsWith("*"));

test("sluice.schema.json is what write-json-schema.ts writes", () => {
  expect(JSON.parse(read("../sluice.schema.json"))).toEqual(JSON.parse(JSON.stringify(configJsonSchema())));
});

test("the repository's sluice.yaml names the schema for editors", () => {
  expect(read("../../../sluice.yaml").split("\n")[0]).toBe(
    "# yaml-language-server: $schema=./packages/config/sluice.schema.json",
  );
});

test("docs/configuration.md describes every key and no other", () => {
  const documented = [...read("../../../docs/configuration.md").matchAll(/^\| `([^`]+)` *\|/gm)].map(
    ([, key]) => key,
  );
  expect(keys.length).toBeGreaterThan(80);
  expect([...documented].sort()).toEqual([...keys].sort());
});

test("the schema describes every key, and lets a number also be a reference to the environment", () => {
  const schema = JSON.stringify(configJsonSchema());
  expect(schema).toContain('{"description":"Largest body of a job."');
  const { properties } = configJsonSchema() as {
    properties: Record<string, { properties: Record<string, unknown> }>;
  };
  expect(properties["limits"]?.properties["batch_lines"]).toEqual({
    description: "Most lines of a batch.",
    default: 50_000,
    anyOf: [
      { type: "integer", exclusiveMinimum: 0, maximum: Number.MAX_SAFE_INTEGER },
      { type: "string", pattern: expect.stringContaining("\\$\\{") },
    ],
  });
});
