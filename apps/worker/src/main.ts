import { runRole } from "@sluice/role";
import { startWorker } from "./start-worker.ts";

await runRole("worker", process.env, startWorker);
