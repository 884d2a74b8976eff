// The image's one task beside the roles: brings DATABASE_URL to the schema that this image expects.
//   docker run --entrypoint node sluice infra/docker/migrate.mjs
// Any number may run at once; a database that is up to date is left alone.
import { migrate } from "../../packages/ledger/src/index.ts";

const url = process.env.DATABASE_URL;
if (!url) throw new Error("DATABASE_URL is not set");
const applied = await migrate(url);
console.log(applied.length === 0 ? "the schema is up to date" : `applied ${applied.join(", ")}`);
