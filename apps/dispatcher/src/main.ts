import { runRole } from "@sluice/role";
import { startDispatcher } from "./start-dispatcher.ts";

await runRole("dispatcher", process.env, startDispatcher);
