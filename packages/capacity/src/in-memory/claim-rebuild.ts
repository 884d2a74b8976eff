import type { RebuildableCapacity, RebuildClaim } from "@sluice/domain";
import { whole } from "../amounts.ts";
import type { Step } from "./state.ts";

type Claim = Parameters<RebuildableCapacity["claimRebuild"]>[0];

/** `claim-rebuild.lua` in memory, where nobody grants beside it. */
export function claimRebuild({ state, now }: Step, { token, settleMs, claimMs }: Claim): RebuildClaim {
  const { cold } = state;
  if (cold === undefined) return { kind: "warm" };
  const since = cold.since ?? now;
  state.cold = { ...cold, since };
  if (settleMs === undefined && cold.token !== token) return { kind: "wait", waitMs: 0 };
  if (cold.token !== undefined && cold.token !== token && cold.claimedUntil > now)
    return { kind: "wait", waitMs: cold.claimedUntil - now };
  const earliest = since + whole(settleMs ?? 0);
  if (earliest > now) return { kind: "wait", waitMs: earliest - now };
  state.cold = { since, token, claimedUntil: now + whole(claimMs) };
  return { kind: "claimed" };
}
