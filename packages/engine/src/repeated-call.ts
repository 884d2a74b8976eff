import type { AcceptResult, Clock, IdempotencyKey, JobLedger, TenantId } from "@sluice/domain";

/** Whose call it is, and its idempotency key if it has one. */
export interface KeyedCall {
  readonly tenantId: TenantId;
  readonly idempotency?: IdempotencyKey | undefined;
}

/**
 * What a call is answered that would be refused now: a repetition gets the answer of the call that was accepted,
 * whatever has changed since (the queue is full, its deadline has passed, its model is gone). Throws `refusal` for a
 * call that repeats none; nothing is kept of it.
 */
export async function answerOfFirst(
  ports: { readonly ledger: Pick<JobLedger, "findClaim">; readonly clock: Clock },
  { tenantId, idempotency }: KeyedCall,
  refusal: unknown,
): Promise<AcceptResult> {
  if (idempotency === undefined) throw refusal;
  const first = await ports.ledger.findClaim(tenantId, idempotency, ports.clock.now());
  if (first === undefined) throw refusal;
  return first;
}

/** The calls of this process that are being committed, by tenant, route and key. */
export interface CallsUnderWay {
  /** Runs the commit of a call, which others can wait for. */
  run<T>(call: KeyedCall, commit: () => Promise<T>): Promise<T>;
  /** Resolves when no call with this key is being committed any more, however they ended. */
  over(call: KeyedCall): Promise<void>;
}

/** Lets a call wait for those with the same key that came before it. */
export function createCallsUnderWay(): CallsUnderWay {
  const running = new Map<string, Promise<void>>();

  return {
    run(call, commit) {
      const committed = commit();
      const name = nameOf(call);
      if (name === undefined) return committed;
      const all = Promise.allSettled([running.get(name), committed]).then(() => {
        if (running.get(name) === all) running.delete(name);
      });
      running.set(name, all);
      return committed;
    },
    async over(call) {
      const name = nameOf(call);
      if (name !== undefined) await running.get(name);
    },
  };
}

function nameOf({ tenantId, idempotency }: KeyedCall): string | undefined {
  return idempotency && JSON.stringify([tenantId, idempotency.route, idempotency.key]);
}
