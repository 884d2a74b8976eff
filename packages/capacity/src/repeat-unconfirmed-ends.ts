import type { Capacity } from "@sluice/domain";

/**
 * Capacity that repeats, at each renewal, the ends of reservations that Redis did not confirm. A renewal keeps all
 * reservations of a worker: without this, one whose end was lost in an outage would take room for as long as the
 * worker lives. Ending twice changes nothing.
 */
export function repeatUnconfirmedEnds(capacity: Capacity): Capacity {
  const unconfirmed = new Map<string, () => Promise<void>>();

  async function end(id: string, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      unconfirmed.set(id, act);
      throw error;
    }
    unconfirmed.delete(id);
  }

  return {
    ...capacity,
    settle: (reservation, use) => end(reservation.id, () => capacity.settle(reservation, use)),
    release: (reservation) => end(reservation.id, () => capacity.release(reservation)),
    async renew(owner, leaseMs) {
      await capacity.renew(owner, leaseMs);
      for (const [id, act] of [...unconfirmed]) await end(id, act);
    },
  };
}
