import type { ArrivalRate, TenantId } from "@sluice/domain";
import { tokensArriving } from "./tokens-ahead.ts";

/** What a tenant has waiting beside others. */
interface SharingFlow {
  readonly weight: number;
  readonly tokens: number;
  readonly arrivals: readonly Pick<ArrivalRate, "tokensPerSecond" | "usualTokensPerSecond">[];
}

/** What the others are served while one tenant is. */
export interface Sharing {
  /**
   * Tokens that the other tenants are served while `tenant` is served `level` tokens per weight, in `seconds`: each
   * as many per weight, unless it runs dry before.
   */
  othersServed(tenant: TenantId, level: number, seconds: number): number;
}

/** What a tenant has, or several together. */
interface Sums {
  readonly weight: number;
  readonly tokens: number;
  readonly tokensPerSecond: number;
  readonly usualTokensPerSecond: number;
  /** Of those of whom more keeps coming. */
  readonly comingWeight: number;
  readonly comingTokens: number;
}

interface Member extends Sums {
  /** Served so much per weight, it has nothing left of what waits now. */
  readonly dryAt: number;
}

/**
 * Shares a server between tenants as a fluid, by weight (generalised processor sharing, Parekh and Gallager, 1993): what
 * one that runs dry leaves goes to the others. What keeps coming from those that have run dry is taken for served as it
 * comes, up to their share. Answers in the logarithm of the number of tenants.
 */
export function createSharing(flows: ReadonlyMap<TenantId, SharingFlow>): Sharing {
  const members = new Map<TenantId, Member>();
  for (const [tenant, { weight, tokens, arrivals }] of flows) {
    const rates = arrivals.map((rate) => ({ ...nothing, ...rate })).reduce(plus, nothing);
    const coming = arrivals.length === 0 ? {} : { comingWeight: weight, comingTokens: tokens };
    members.set(tenant, { ...rates, ...coming, dryAt: tokens / weight, weight, tokens });
  }
  const sorted = [...members.values()].sort((a, b) => a.dryAt - b.dryAt);
  const sums = runningSums(sorted);
  const all = sums.at(-1) ?? nothing;

  return {
    othersServed(tenant, level, seconds) {
      const count = countUpTo(sorted, level);
      const dry = sums[count] ?? all;
      const own = members.get(tenant) ?? nobody;
      const [ownDry, ownBusy] = own.dryAt <= level ? [own, nobody] : [nobody, own];
      const waited = dry.tokens - ownDry.tokens;
      const came = tokensArriving(dry, seconds) - tokensArriving(ownDry, seconds);
      const taken = dry.comingTokens - ownDry.comingTokens;
      const untaken = (dry.comingWeight - ownDry.comingWeight) * level - taken;
      const busy = (all.weight - dry.weight - ownBusy.weight) * level;
      return waited + Math.min(came, Math.max(0, untaken)) + Math.max(0, busy);
    },
  };
}

const nothing: Sums = {
  weight: 0,
  tokens: 0,
  tokensPerSecond: 0,
  usualTokensPerSecond: 0,
  comingWeight: 0,
  comingTokens: 0,
};
const nobody: Member = { dryAt: 0, ...nothing };

function plus(a: Sums, b: Sums): Sums {
  return {
    weight: a.weight + b.weight,
    tokens: a.tokens + b.tokens,
    tokensPerSecond: a.tokensPerSecond + b.tokensPerSecond,
    usualTokensPerSecond: a.usualTokensPerSecond + b.usualTokensPerSecond,
    comingWeight: a.comingWeight + b.comingWeight,
    comingTokens: a.comingTokens + b.comingTokens,
  };
}

/** Sums over the first 0, 1, 2… members. */
function runningSums(members: readonly Member[]): Sums[] {
  const sums = [nothing];
  for (const member of members) sums.push(plus(sums.at(-1) ?? nothing, member));
  return sums;
}

/** How many members are dry at a level. */
function countUpTo(sorted: readonly Member[], level: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? nobody).dryAt <= level) low = middle + 1;
    else high = middle;
  }
  return low;
}
