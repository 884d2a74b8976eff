import type {
  Clock,
  CountedUse,
  EngineConfig,
  IdSource,
  LedgerUse,
  Logger,
  RebuildableCapacity,
  RebuildClaim,
  TenantConfig,
  TenantId,
  UsedScope,
  UseLedger,
} from "@sluice/domain";
import { tenantConfig } from "./tenant-config.ts";

/**
 * A reservation whose attempt is not committed after so long is looked for before the call is made: a rebuild of
 * capacity, which waits for so long, may have missed it.
 */
export const startsLandMs = 1_000;

const lookEveryMs = 500;
const claimMs = 6_000;
/** A minute, what an upstream takes to count a call, and a little for clocks that differ. */
const windowMs = 62_000;

export interface KeepCapacityWarmPorts {
  readonly ledger: UseLedger;
  readonly capacity: Pick<RebuildableCapacity, "claimRebuild" | "warm">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly ids: IdSource;
  readonly config: () => EngineConfig;
}

/**
 * Rebuilds capacity from the ledger when Redis has lost it; of all processes that do so, one. The returned function
 * ends it.
 */
export function keepCapacityWarm(ports: KeepCapacityWarmPorts): () => void {
  const { clock, logger } = ports;
  let stopped = false;
  let cancel = (): void => undefined;

  async function look(): Promise<void> {
    try {
      const token = ports.ids.uuid();
      if ((await claim(ports, token)).kind === "claimed") await rebuild(ports, token);
    } catch (error) {
      logger.warn({ err: error }, "capacity could not be looked at or rebuilt");
    }
    if (!stopped) cancel = clock.setTimer(lookEveryMs, () => void look());
  }

  void look();
  return () => {
    stopped = true;
    cancel();
  };
}

async function claim({ capacity, ledger }: KeepCapacityWarmPorts, token: string): Promise<RebuildClaim> {
  const answer = await capacity.claimRebuild({ token, settleMs: startsLandMs, claimMs });
  // Nothing that could be starting still was ever started: a new cluster need not wait.
  if (answer.kind !== "wait" || (await ledger.hasAttempts())) return answer;
  return capacity.claimRebuild({ token, settleMs: 0, claimMs });
}

async function rebuild(ports: KeepCapacityWarmPorts, token: string): Promise<void> {
  const { capacity, ledger, logger, clock } = ports;
  const config = ports.config();
  const startedAt = clock.monotonicMs();
  const use = await whileClaiming(
    ports,
    token,
    ledger.readUse({ windowMs, hours: hasDailyLimits(config) ? "all" : "none" }),
  );
  const counted = countedUse(use, config);
  if (!(await capacity.warm(token, counted))) return;
  const calls = use.sent.reduce((sum, { scope, requests }) => sum + (scope === "target" ? requests : 0), 0);
  const tookMs = Math.round(clock.monotonicMs() - startedAt);
  logger.warn({ calls, running: use.running.length, tookMs }, "capacity was rebuilt from the ledger");
}

/** Keeps the claim for as long as the ledger is read. */
async function whileClaiming<T>(
  { capacity, clock, logger }: KeepCapacityWarmPorts,
  token: string,
  reading: Promise<T>,
): Promise<T> {
  let cancel = (): void => undefined;
  const again = (): void => {
    cancel = clock.setTimer(claimMs / 3, () => {
      capacity.claimRebuild({ token, claimMs }).catch((error: unknown) => {
        logger.warn({ err: error }, "the claim to rebuild capacity was not prolonged");
      });
      again();
    });
  };
  again();
  try {
    return await reading;
  } finally {
    cancel();
  }
}

/** What of the use counts for a limit that is configured. */
export function countedUse({ sent, hours, running, budgets }: LedgerUse, config: EngineConfig): CountedUse {
  const daily = dailyLimited(config);
  const counts = ({ scope, id }: UsedScope): boolean =>
    scope === "target" || hasLimits(tenantConfig(config, id as TenantId).limits);
  return {
    sent: sent.filter(counts),
    hours: hours.filter(daily),
    running: running.map(({ targetId, tenantId, ...call }) => ({
      ...call,
      scopes: scopesOf(targetId, tenantId)
        .filter(counts)
        .map((scope) => ({ ...scope, countsDay: daily(scope) })),
    })),
    budgets,
  };
}

function scopesOf(targetId: string, tenantId: TenantId): UsedScope[] {
  return [
    { scope: "target", id: targetId },
    { scope: "tenant", id: tenantId },
  ];
}

function hasLimits(limits: TenantConfig["limits"]): boolean {
  const { requestsPerMinute, tokensPerMinute, concurrency, usdPerDay } = limits;
  return [requestsPerMinute, tokensPerMinute, concurrency, usdPerDay].some((limit) => limit !== undefined);
}

/** Which targets and tenants have a limit of a day. */
function dailyLimited(config: EngineConfig): (scope: UsedScope) => boolean {
  const targets = new Set(dailyTargets(config));
  return ({ scope, id }) =>
    scope === "target"
      ? targets.has(id)
      : tenantConfig(config, id as TenantId).limits.usdPerDay !== undefined;
}

function dailyTargets(config: EngineConfig): string[] {
  const targets = Object.values(config.pools).flatMap((pool) => pool.targets);
  return targets
    .filter(({ limits }) => limits.tokensPerDay !== undefined || limits.usdPerDay !== undefined)
    .map(({ id }) => id);
}

function hasDailyLimits(config: EngineConfig): boolean {
  const ofTenants = Object.values(config.tenants).some(({ limits }) => limits.usdPerDay !== undefined);
  return ofTenants || dailyTargets(config).length > 0;
}
