import type { TenantQueue, WaitingTenants } from "./state.ts";

/** The sorted set `:waiting` of `fair-order.lua` in memory. */
export function createWaitingTenants(): WaitingTenants {
  return { byName: new Map(), byCounter: [] };
}

/** Where a queue is, or would be, among those of a scope. */
function placeOf(queues: readonly TenantQueue[], { counter, tenantId }: TenantQueue): number {
  let [low, high] = [0, queues.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = queues[middle];
    if (other === undefined) break;
    const isBefore = other.counter < counter || (other.counter === counter && other.tenantId < tenantId);
    if (isBefore) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function addTenant({ byName, byCounter }: WaitingTenants, queue: TenantQueue): void {
  byName.set(queue.tenantId, queue);
  byCounter.splice(placeOf(byCounter, queue), 0, queue);
}

export function removeTenant({ byName, byCounter }: WaitingTenants, queue: TenantQueue): void {
  byName.delete(queue.tenantId);
  byCounter.splice(placeOf(byCounter, queue), 1);
}

/** Changes the counter of a tenant, and with it its place. */
export function addToCounter({ byCounter }: WaitingTenants, queue: TenantQueue, amount: number): void {
  byCounter.splice(placeOf(byCounter, queue), 1);
  queue.counter += amount;
  byCounter.splice(placeOf(byCounter, queue), 0, queue);
}
