import type { Leadership } from "@sluice/domain";
import type { Sql } from "./client.ts";

/** The lease that the dispatcher's writes are fenced by. */
const dispatcherLease = "dispatcher";

/**
 * A SELECT that answers a row only while the leadership of this epoch lasts. It locks the lease in share mode, so
 * that nobody can take over between this check and the commit of the statement that carries it.
 */
export function leaderFence(epochParameter: string): string {
  return `SELECT FROM leases
    WHERE name = '${dispatcherLease}' AND epoch = ${epochParameter} AND lease_until > clock_timestamp()
    FOR SHARE`;
}

/** Leases of leadership, by the server's clock. */
export function createLeadership(sql: Sql) {
  return {
    async lead(name: string, holder: string, leaseMs: number): Promise<Leadership> {
      const [lease] = await sql<{ epoch: number }[]>`
        INSERT INTO leases AS l (name, holder, epoch, lease_until)
        VALUES (${name}, ${holder}, 1, clock_timestamp() + ${leaseMs} * interval '1 millisecond')
        ON CONFLICT (name) DO UPDATE SET holder = EXCLUDED.holder, lease_until = EXCLUDED.lease_until,
          epoch = l.epoch + CASE WHEN l.holder = EXCLUDED.holder AND l.lease_until > clock_timestamp() THEN 0 ELSE 1 END
        WHERE l.holder = EXCLUDED.holder OR l.lease_until <= clock_timestamp()
        RETURNING epoch`;
      return lease === undefined ? { leads: false } : { leads: true, epoch: lease.epoch };
    },
    async resign(name: string, holder: string): Promise<void> {
      await sql`UPDATE leases SET lease_until = clock_timestamp() WHERE name = ${name} AND holder = ${holder}`;
    },
  };
}
