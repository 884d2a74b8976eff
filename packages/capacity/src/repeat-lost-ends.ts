import type { RealUse, RebuildableCapacity, Reservation } from "@sluice/domain";

type End = () => Promise<void>;

/** Of a call that this process knows nothing of. */
const nothingKnown: RealUse = { inputTokens: undefined, outputTokens: undefined, costUsd: undefined };

/**
 * Capacity that ends, at each renewal, what is kept for this worker though it has ended: a renewal keeps all
 * reservations of a worker, and one whose end was lost would take room for as long as the worker lives. Ends are lost
 * in an outage of Redis, and while capacity is cold: the ledger may not have known of them yet when it was rebuilt.
 * Those of the last renewals are repeated with their numbers; what is not known at two renewals in a row ends without.
 */
export function repeatLostEnds(capacity: RebuildableCapacity): RebuildableCapacity {
  const open = new Set<string>();
  let ended = new Map<string, End>();
  let endedBefore = new Map<string, End>();
  let strangers = new Set<string>();

  async function end({ id }: Pick<Reservation, "id">, act: End): Promise<void> {
    open.delete(id);
    ended.set(id, act);
    await act();
  }

  async function endKept(kept: readonly string[]): Promise<void> {
    const unknown = new Set<string>();
    for (const id of kept) {
      if (open.has(id)) continue;
      const act = ended.get(id) ?? endedBefore.get(id);
      if (act !== undefined) await act();
      else if (strangers.has(id)) await capacity.settle({ id }, nothingKnown);
      else unknown.add(id);
    }
    strangers = unknown;
  }

  return {
    ...capacity,
    async reserve(request) {
      const answer = await capacity.reserve(request);
      if (answer.kind === "granted") open.add(answer.reservation.id);
      return answer;
    },
    settle: (reservation, use) => end(reservation, () => capacity.settle(reservation, use)),
    release: (reservation) => end(reservation, () => capacity.release(reservation)),
    async renew(owner, leaseMs) {
      await capacity.renew(owner, leaseMs);
      await endKept(await capacity.reservationsOf(owner));
      endedBefore = ended;
      ended = new Map();
    },
  };
}
