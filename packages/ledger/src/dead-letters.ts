import type { DeadLetterLedger } from "@sluice/domain";
import type { Sql } from "./client.ts";
import { groupDeadLetters, readDeadLetters } from "./read-dead-letters.ts";
import { redriveJobs } from "./redrive-jobs.ts";

/** Dead jobs, and the new ones made of them. */
export function createDeadLetterLedger(sql: Sql): DeadLetterLedger {
  return {
    listDeadLetters: (tenant, filter, page) => readDeadLetters(sql, tenant, filter, page),
    groupDeadLetters: (tenant, filter) => groupDeadLetters(sql, tenant, filter),
    redriveJobs: (redrive) => redriveJobs(sql, redrive),
  };
}
