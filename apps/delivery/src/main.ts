import { runRole } from "@sluice/role";
import { startDelivery } from "./start-delivery.ts";

await runRole("delivery", process.env, startDelivery);
