import { type AcceptJob, type AcceptResult, uuidOf } from "@sluice/domain";
import type { Sql } from "./client.ts";
import { named, retrying } from "./client.ts";
import { type Column, nameList, parametersOf, unnest } from "./columns.ts";
import { answerOf, type Claim, type ClaimAnswer, claimColumns, claimSql } from "./idempotency.ts";
import { bodySize, jobColumns, liveColumnNames } from "./job-columns.ts";

const acceptColumns: readonly Column<AcceptJob>[] = [
  ...jobColumns.map(({ name, type, value }) => ({ name, type, value: (job: AcceptJob) => value(job.spec) })),
  { name: "laned", type: "bool", value: (job) => job.laned },
];

const insertJobs = `INSERT INTO jobs (${nameList(jobColumns)}) SELECT ${nameList(jobColumns, "i.")}`;
const insertLive = `INSERT INTO live_jobs (${liveColumnNames}, laned) SELECT ${liveColumnNames}, laned`;

const acceptAll = `
  WITH input AS MATERIALIZED (SELECT * FROM ${unnest(acceptColumns, "i")}),
  accepted AS (${insertJobs} FROM input i)
  ${insertLive} FROM input`;

// A job whose key was claimed by another call stays out; the answer tells what was claimed before.
const acceptUnclaimed = `
  WITH input AS MATERIALIZED (SELECT * FROM ${unnest(acceptColumns, "i")}),
  ${claimSql(acceptColumns.length + 1)},
  news AS (
    SELECT i.* FROM input i
    WHERE NOT EXISTS (SELECT FROM claimed c WHERE c.wanted_by = i.id AND c.claim_id <> i.id)
  ),
  accepted AS (${insertJobs} FROM news i),
  lived AS (${insertLive} FROM news)
  SELECT wanted_by, claim_id, body_sha256, status, body FROM claimed`;

/** Bytes of a row, for the bounds of a flush. */
export function acceptSize(job: AcceptJob): number {
  return (
    512 +
    (job.spec.body.kind === "inline" ? bodySize(job.spec) : 0) +
    (job.idempotency?.response.body.length ?? 0)
  );
}

const accepted: AcceptResult = { kind: "accepted" };

/** Commits jobs in one statement; a key that came before answers as it did then. */
export async function acceptJobs(sql: Sql, jobs: readonly AcceptJob[]): Promise<AcceptResult[]> {
  if (jobs.every(({ idempotency }) => idempotency === undefined)) {
    await retrying(() => sql.unsafe(acceptAll, parametersOf(acceptColumns, jobs), named));
    return jobs.map(() => accepted);
  }
  return acceptWithKeys(sql, jobs);
}

async function acceptWithKeys(sql: Sql, jobs: readonly AcceptJob[]): Promise<AcceptResult[]> {
  const { news, callersOf, firstOf } = splitRepeats(jobs);
  const claims = [...callersOf].flatMap(claimOf).sort((a, b) => (a.route + a.key < b.route + b.key ? -1 : 1));
  const parameters = [...parametersOf(acceptColumns, news), ...parametersOf(claimColumns, claims)];
  const rows = await retrying(() =>
    sql.unsafe<(ClaimAnswer & { wantedBy: string })[]>(acceptUnclaimed, parameters, named),
  );
  const answers = new Map(rows.map((row) => [row.wantedBy, row]));
  return jobs.map((job) => {
    const first = firstOf.get(job) ?? job;
    const answer = answers.get(uuidOf("job", first.spec.id));
    if (answer === undefined || job.idempotency === undefined) return accepted;
    if (first === job && answer.claimId === answer.wantedBy) return accepted;
    return answerOf(answer, job.idempotency.bodySha256);
  });
}

/**
 * Equal keys in one statement: the first of them claims the key, and those that repeat it are answered by what became
 * of it. A first try repeats nothing, so it is written without a claim.
 */
function splitRepeats(jobs: readonly AcceptJob[]) {
  const byKey = new Map<string, AcceptJob>();
  const firstOf = new Map<AcceptJob, AcceptJob>();
  const callersOf = new Map<AcceptJob, number>();
  const news: AcceptJob[] = [];
  for (const job of jobs) {
    const name = nameOf(job);
    const first = name === undefined ? undefined : byKey.get(name);
    if (first !== undefined && job.idempotency?.tryOfCall !== "first") {
      firstOf.set(job, first);
      callersOf.set(first, (callersOf.get(first) ?? 1) + 1);
      continue;
    }
    news.push(job);
    if (name === undefined || first !== undefined) continue;
    byKey.set(name, job);
    callersOf.set(job, 1);
  }
  return { news, callersOf, firstOf };
}

function nameOf({ idempotency, spec }: AcceptJob): string | undefined {
  return idempotency && JSON.stringify([spec.tenantId, idempotency.route, idempotency.key]);
}

function claimOf([{ spec, idempotency }, callers]: [AcceptJob, number]): Claim[] {
  if (idempotency === undefined) return [];
  const { id, tenantId, acceptedAt } = spec;
  return [{ ...idempotency, tenantId, claimId: uuidOf("job", id), createdAt: acceptedAt, callers }];
}
