import { inspectRedis } from "../cluster/prepare-stores.ts";
import { type Check, fine, wrong } from "./finding.ts";

const nowhere = "there is no address: start a cluster with npm start, or set";
const ledgerTimeoutMs = 15_000;

/** Whether Redis answers and is set up as Sluice needs it. */
export function checkRedisAt(url: string | undefined): Check {
  return {
    name: "Redis",
    async run() {
      if (url === undefined) return wrong(`${nowhere} REDIS_URL.`);
      const { problems } = await inspectRedis(url);
      return problems.length === 0 ? fine("answers, evicts nothing, keeps an append-only file") : problems;
    },
  };
}

/** Whether PostgreSQL answers, can write, and has the tables. */
export function checkPostgresAt(url: string | undefined): Check {
  return {
    name: "PostgreSQL",
    async run() {
      if (url === undefined) return wrong(`${nowhere} DATABASE_URL.`);
      const { createLedger, LedgerError } = await import("@sluice/ledger");
      const ledger = createLedger({ url, maxConnections: 1, applicationName: "sluice-doctor" });
      try {
        await within(ledger.ping(), ledgerTimeoutMs);
        await ledger.findKey(Buffer.alloc(32));
        return fine("answers, can write, has its tables");
      } catch (error) {
        if (error instanceof LedgerError && error.code === "42P01")
          return wrong("the tables are missing: run npx sluice migrate.");
        return wrong(
          "does not answer or cannot write: check that it runs, and that DATABASE_URL is right and not a standby.",
        );
      } finally {
        await ledger.close();
      }
    },
  };
}

async function within<T>(work: Promise<T>, ms: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error("no answer in time")), ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
