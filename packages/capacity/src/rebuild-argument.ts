import {
  type CountedCall,
  type CountedUse,
  ownerOfReservation,
  type RebuildClaim,
  type UsedScope,
} from "@sluice/domain";
import { microUsd, whole } from "./amounts.ts";
import {
  budgetKey,
  heldKey,
  targetDay,
  targetLog,
  targetUse,
  tenantDay,
  tenantLog,
  tenantUse,
} from "./capacity-keys.ts";

/** What `warm.lua` is told of the ledger, as JSON. */
export function rebuildArgument({ sent, hours, running, budgets }: CountedUse): string {
  return JSON.stringify({
    sent: sent.map((use) => [
      ...windowKeys(use),
      whole(use.agoMs),
      whole(use.requests),
      whole(use.inputTokens),
      whole(use.outputTokens),
    ]),
    hours: hours.map((use) => [dayKey(use), use.hour, whole(use.tokens), microUsd(use.usd)]),
    running: running.map(runningArgument),
    budgets: budgets.map(({ key, window, hour, usd }) => [budgetKey(key), window, hour, microUsd(usd)]),
  });
}

function runningArgument(call: CountedCall): unknown[] {
  return [
    heldKey(ownerOfReservation(call.reservationId)),
    call.reservationId,
    whole(call.startedAgoMs),
    Math.floor(call.leaseMs),
    whole(call.inputTokens),
    whole(call.outputTokens),
    microUsd(call.usd),
    call.budgets.map(({ key, window }) => [budgetKey(key), window]),
    call.scopes.map((scope) => [...windowKeys(scope), scope.countsDay ? dayKey(scope) : ""]),
  ];
}

function windowKeys({ scope, id }: UsedScope): [string, string] {
  return scope === "target" ? [targetUse(id), targetLog(id)] : [tenantUse(id), tenantLog(id)];
}

function dayKey({ scope, id }: UsedScope): string {
  return scope === "target" ? targetDay(id) : tenantDay(id);
}

/** What `claim-rebuild.lua` answers. */
export function readClaim(reply: unknown): RebuildClaim {
  if (!Array.isArray(reply)) throw new TypeError("the claim-rebuild script answered no list");
  if (reply[0] === 1) return { kind: "warm" };
  return reply[0] === 2 ? { kind: "claimed" } : { kind: "wait", waitMs: Number(reply[1]) };
}
