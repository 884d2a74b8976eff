// Writes packages/config/sluice.schema.json:
// node packages/config/src/write-json-schema.ts && biome format --write packages/config/sluice.schema.json
import { writeFileSync } from "node:fs";
import { configJsonSchema } from "./json-schema.ts";

const file = new URL("../sluice.schema.json", import.meta.url);
writeFileSync(file, `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
