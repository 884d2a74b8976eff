import { mayServe } from "@sluice/dialects";
import {
  type Clock,
  type DeadLetter,
  type DeadLetterFilter,
  type DeadLetterLedger,
  type DeadLetters,
  type EngineConfig,
  type IdSource,
  idFromUuid,
  type JobId,
  type LineBytesOf,
  type Logger,
  type Metrics,
  type Redriven,
  type RedrivePlan,
  type RoutingWishes,
  SluiceError,
  type Target,
  type TenantId,
} from "@sluice/domain";
import { effectiveDeadlineAt } from "@sluice/scheduling";
import { lookUp } from "./look-up.ts";
import { candidateSetOf, readDeadline, slaClass, targetsOf } from "./spec-job.ts";

export interface RedrivePorts {
  readonly ledger: Pick<DeadLetterLedger, "listDeadLetters" | "redriveJobs">;
  readonly deadLetters: Pick<DeadLetters, "remove">;
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly config: () => EngineConfig;
  readonly failureLineBytes: LineBytesOf;
}

export interface RedriveRequest {
  readonly tenantId: TenantId;
  readonly filter: DeadLetterFilter;
  /** What the new jobs ask of routing beside what the old ones did; pools or targets replace both. */
  readonly routing: RoutingWishes;
  /** A duration from now or a moment; else that of the job's class, or the end of its batch's window. */
  readonly deadline?: string | undefined;
}

/** What a redrive would do. */
export interface RedriveForecast {
  readonly count: number;
  /** Dead letters that match, but that no target of their model could serve. */
  readonly skipped: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** USD, each job on the cheapest target that it may use. */
  readonly costUsd: number;
}

export interface RedriveResult {
  readonly redriven: number;
  /** Left as they were: nothing could serve them, their batch is being cancelled, or somebody else was first. */
  readonly skipped: number;
  /** The first 100. */
  readonly jobs: readonly Redriven[];
}

const atOnce = 500;
const shown = 100;
/** Expected of a job that states no most: what capacity assumes of a target that it knows nothing of. */
const usualOutputTokens = 512;

/** Adds up what a redrive would send; changes nothing. Throws {@link SluiceError} as {@link redriveDeadLetters} does. */
export async function forecastRedrive(
  ports: RedrivePorts,
  request: RedriveRequest,
): Promise<RedriveForecast> {
  checkRequest(ports, request);
  const sum = { count: 0, skipped: 0, inputTokens: 0, outputTokens: 0, costUsd: 0 };
  for await (const letters of matching(ports, request)) {
    for (const letter of letters) {
      const targets = servingTargets(ports.config(), letter, request.routing);
      if (targets.length === 0) {
        sum.skipped += 1;
        continue;
      }
      const outputTokens = letter.maxOutputTokens ?? usualOutputTokens;
      sum.count += 1;
      sum.inputTokens += letter.inputTokens;
      sum.outputTokens += outputTokens;
      sum.costUsd += Math.min(...targets.map(({ price }) => costOf(price, letter.inputTokens, outputTokens)));
    }
  }
  return sum;
}

/**
 * Makes new jobs of the dead letters that match and had died when it was called, some hundreds in a transaction;
 * the dispatcher feeds them into their lanes. Throws {@link SluiceError} naming the field at fault.
 */
export async function redriveDeadLetters(
  ports: RedrivePorts,
  request: RedriveRequest,
): Promise<RedriveResult> {
  const { deadlineAt } = checkRequest(ports, request);
  const { tenantId, routing } = request;
  const jobs: Redriven[] = [];
  let [redriven, seen] = [0, 0];
  for await (const letters of matching(ports, request)) {
    seen += letters.length;
    const servable = letters.filter((letter) => servingTargets(ports.config(), letter, routing).length > 0);
    const now = ports.clock.now();
    const made = await ports.ledger.redriveJobs({
      tenant: tenantId,
      ids: servable.map(({ jobId }) => jobId),
      now,
      plan: (letter, batchExpiresAt) => planJob(ports, { letter, routing, deadlineAt, batchExpiresAt, now }),
      lineBytesOf: ports.failureLineBytes,
    });
    redriven += made.length;
    jobs.push(...made.slice(0, shown - jobs.length));
    announce(ports, made, servable);
    await clearBoard(ports, made);
  }
  if (redriven > 0) ports.logger.info({ count: redriven, tenant: tenantId }, "dead letters redriven");
  return { redriven, skipped: seen - redriven, jobs };
}

/** Pages of what matches. New jobs that die meanwhile are left for another time: they died after the beginning. */
async function* matching(ports: RedrivePorts, request: RedriveRequest): AsyncGenerator<DeadLetter[]> {
  const filter = { until: ports.clock.now(), ...request.filter };
  let after: JobId | undefined;
  for (;;) {
    const page = { after, limit: atOnce, order: "asc" } as const;
    const letters = await ports.ledger.listDeadLetters(request.tenantId, filter, page);
    if (letters.length > 0) yield letters;
    after = letters.at(-1)?.jobId;
    if (letters.length < atOnce) return;
  }
}

function checkRequest(ports: RedrivePorts, { routing, deadline }: RedriveRequest) {
  const { pools } = ports.config();
  const targets = new Set(Object.values(pools).flatMap((pool) => pool.targets.map(({ id }) => id)));
  requireKnown(routing.pools, "pools", (name) => lookUp(pools, name) !== undefined);
  requireKnown(routing.targets, "targets", (id) => targets.has(id));
  return { deadlineAt: readDeadline(deadline, ports.clock.now()) };
}

function requireKnown(names: readonly string[] = [], field: string, isKnown: (name: string) => boolean) {
  const unknown = names.findIndex((name) => !isKnown(name));
  if (unknown === -1) return;
  const param = `routing.${field}[${unknown}]`;
  throw new SluiceError("invalid_value", `'${param}' is none of the configuration's ${field}.`, { param });
}

/** Asked for anew, pools and targets replace what the job asked of both; the rest narrows it further. */
function changedRouting(old: RoutingWishes, asked: RoutingWishes): RoutingWishes {
  if (asked.pools === undefined && asked.targets === undefined) return { ...old, ...asked };
  const { pools: _pools, targets: _targets, ...kept } = old;
  return { ...kept, ...asked };
}

/** The targets that the model may use and the wishes leave: with none, a new job would only die again. */
function servingTargets(config: EngineConfig, letter: DeadLetter, asked: RoutingWishes): Target[] {
  const alias = lookUp(config.models, letter.model);
  if (alias === undefined) return [];
  const { pools, targets, exclude } = changedRouting(letter.routing, asked);
  return targetsOf(config, alias).filter(
    (target) =>
      mayServe(target.endpoints, letter.endpoint) &&
      (pools?.includes(target.pool) ?? true) &&
      (targets?.includes(target.id) ?? true) &&
      !(exclude?.includes(target.id) ?? false),
  );
}

function costOf(price: Target["price"], inputTokens: number, outputTokens: number): number {
  return (inputTokens * price.input + outputTokens * price.output) / 1_000_000;
}

interface Old {
  readonly letter: DeadLetter;
  /** Asked for. */
  readonly routing: RoutingWishes;
  readonly deadlineAt: number | undefined;
  readonly batchExpiresAt: number | undefined;
  readonly now: number;
}

function planJob(ports: RedrivePorts, old: Old): RedrivePlan {
  const { letter, batchExpiresAt, now } = old;
  const config = ports.config();
  // A class that is gone from the configuration gives way to the default.
  const sla = lookUp(config.slaClasses, letter.sla) ?? slaClass(config, undefined);
  const window = batchExpiresAt !== undefined && batchExpiresAt > now ? batchExpiresAt : undefined;
  const wanted = old.deadlineAt ?? window ?? now + sla.deadlineMs;
  const deadlineAt = Math.min(wanted, window ?? wanted);
  const { priority } = letter;
  const id = idFromUuid("job", ports.ids.uuid());
  const routing = changedRouting(letter.routing, old.routing);
  const terms = { ...letter, sla: sla.name, deadlineAt, routing, metadata: {}, parsedBody: undefined };
  return {
    id,
    deadlineAt,
    effectiveDeadlineAt: effectiveDeadlineAt({ acceptedAt: now, deadlineAt, priority }),
    routing,
    candidateSet: candidateSetOf(config, terms, { id, now }),
  };
}

function announce(ports: RedrivePorts, made: readonly Redriven[], letters: readonly DeadLetter[]): void {
  const slaOf = new Map(letters.map(({ jobId, sla }) => [jobId, sla]));
  for (const { from } of made) {
    ports.metrics.increment("sluice_jobs_accepted_total", { sla: slaOf.get(from) ?? "" });
  }
}

/** The board shows dead letters only; the ledger does not need it to. */
async function clearBoard(ports: RedrivePorts, made: readonly Redriven[]): Promise<void> {
  await ports.deadLetters.remove(made.map(({ from }) => from)).catch((error: unknown) => {
    ports.logger.warn(
      { count: made.length, err: error },
      "redriven jobs stay in the board's dead-letter queue",
    );
  });
}
