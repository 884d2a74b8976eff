import { z } from "zod";
import { sluiceSchema } from "./schema/sluice-schema.ts";

type JsonSchema = Record<string, unknown>;

// Any value that is not free text may also come from the environment.
const reference = { type: "string", pattern: "^\\$\\{[A-Za-z_]\\w*(:-[^}]*)?\\}$" };

/** The JSON Schema of `sluice.yaml` for editors; `sluice.schema.json` is its text. */
export function configJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(sluiceSchema, {
    io: "input",
    override: ({ jsonSchema, path }) => {
      // Keys are never expanded.
      if (path.at(-1) !== "propertyNames") allowReference(jsonSchema as JsonSchema);
    },
  });
  return { ...schema, title: "sluice.yaml", description: "Configuration of a Sluice cluster." };
}

function allowReference(schema: JsonSchema): void {
  const { type, description, default: fallback, const: literal, ...rest } = schema;
  const isScalar = ["integer", "number", "boolean"].includes(String(type));
  const isNarrowText = type === "string" && (rest["enum"] !== undefined || rest["pattern"] !== undefined);
  if (literal !== undefined || !(isScalar || isNarrowText)) return;
  for (const key of Object.keys(schema)) delete schema[key];
  if (description !== undefined) schema["description"] = description;
  if (fallback !== undefined) schema["default"] = fallback;
  schema["anyOf"] = [{ type, ...rest }, reference];
}
