import { runRole } from "@sluice/role";
import { startApi } from "./start-api.ts";

await runRole("api", process.env, startApi);
