import type { BusyReceivers, ReceiverKey, TenantId } from "@sluice/domain";

export interface ReceiverGateOptions {
  /** Deliveries that one receiver may have on their way from this process. */
  readonly perReceiver: number;
  /** The same of all receivers of one tenant. */
  readonly perTenant: number;
}

/**
 * Shares a process's sendings between receivers and tenants, so that a slow receiver keeps no other waiting. What finds
 * no room stays in the ledger, without a place in the queue; each sending that ends calls the next back.
 */
export interface ReceiverGate {
  /** Those that have no room now. */
  busy(): BusyReceivers;
  /** Takes a place; `false` when there is none. */
  enter(key: ReceiverKey): boolean;
  /**
   * Gives the place back; answers what waits and has room for so many now: the same receiver, and where its tenant had
   * used up its share, another of them, in turns.
   */
  leave(key: ReceiverKey): readonly { readonly key: ReceiverKey; readonly room: number }[];
  /** Remembers that deliveries of it wait in the ledger; `false` when it has room, so that its caller tries again. */
  wait(key: ReceiverKey): boolean;
  /** Nothing of it waits any more. */
  forget(key: ReceiverKey): void;
}

interface TenantShare {
  running: number;
  readonly receivers: Map<string, number>;
  readonly waiting: Set<string>;
}

/** Makes a gate in which nothing runs. */
export function createReceiverGate({ perReceiver, perTenant }: ReceiverGateOptions): ReceiverGate {
  const shares = new Map<TenantId, TenantShare>();
  const shareOf = (tenantId: TenantId): TenantShare => {
    const share = shares.get(tenantId) ?? { running: 0, receivers: new Map(), waiting: new Set() };
    shares.set(tenantId, share);
    return share;
  };
  const hasRoom = (share: TenantShare, receiver: string) =>
    share.running < perTenant && (share.receivers.get(receiver) ?? 0) < perReceiver;
  const dropIdle = (tenantId: TenantId, share: TenantShare) => {
    if (share.running === 0 && share.waiting.size === 0) shares.delete(tenantId);
  };

  return {
    busy() {
      const all = [...shares];
      return {
        tenants: all.flatMap(([tenantId, share]) => (share.running >= perTenant ? [tenantId] : [])),
        receivers: all.flatMap(([tenantId, share]) =>
          [...share.receivers].flatMap(([receiver, running]) =>
            running >= perReceiver ? [{ tenantId, receiver }] : [],
          ),
        ),
      };
    },
    enter({ tenantId, receiver }) {
      const share = shareOf(tenantId);
      if (!hasRoom(share, receiver)) return false;
      share.running += 1;
      share.receivers.set(receiver, (share.receivers.get(receiver) ?? 0) + 1);
      return true;
    },
    leave({ tenantId, receiver }) {
      const share = shareOf(tenantId);
      const wasFull = share.running >= perTenant;
      share.running -= 1;
      const left = (share.receivers.get(receiver) ?? 1) - 1;
      if (left > 0) share.receivers.set(receiver, left);
      else share.receivers.delete(receiver);
      const own = share.waiting.has(receiver) ? [receiver] : [];
      const other = wasFull
        ? [...share.waiting].find((each) => each !== receiver && hasRoom(share, each))
        : undefined;
      if (other !== undefined) {
        // To the end of the line: several that wait for the tenant's share take turns.
        share.waiting.delete(other);
        share.waiting.add(other);
      }
      dropIdle(tenantId, share);
      return [...own, ...(other === undefined ? [] : [other])].map((each) => ({
        key: { tenantId, receiver: each },
        room: Math.min(perReceiver - (share.receivers.get(each) ?? 0), perTenant - share.running),
      }));
    },
    wait({ tenantId, receiver }) {
      const share = shareOf(tenantId);
      if (!hasRoom(share, receiver)) {
        share.waiting.add(receiver);
        return true;
      }
      dropIdle(tenantId, share);
      return false;
    },
    forget({ tenantId, receiver }) {
      const share = shareOf(tenantId);
      share.waiting.delete(receiver);
      dropIdle(tenantId, share);
    },
  };
}
