import type { Clock, Logger, StoredTenant, TenantConfig, TenantLedger } from "@sluice/domain";

export interface KeepTenantsPorts {
  readonly ledger: Pick<TenantLedger, "accessVersion" | "madeTenants">;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The tenants that were made over the API, as this process knows them. */
export interface TenantBook {
  /**
   * A configuration with these tenants beside its own. Its own win; the hash stays that of the file. Answers the same
   * object until one of the two has changed.
   */
  into<C extends { readonly tenants: Readonly<Record<string, TenantConfig>> }>(config: C): C;
  /** Another number whenever a tenant or a key has changed. */
  version(): number;
  /** Looks now; rejects when the ledger cannot be read. */
  refresh(): Promise<void>;
  /** Looks every second from now on. */
  start(): void;
  stop(): void;
}

const everyMs = 1_000;

/** Makes the book. It is empty until the first {@link TenantBook.refresh}; while the ledger is away it stays as it is. */
export function keepTenants({ ledger, clock, logger }: KeepTenantsPorts): TenantBook {
  let known = -1;
  let made: Readonly<Record<string, TenantConfig>> = {};
  let merged: { readonly from: object; readonly made: object; readonly config: object } | undefined;
  let reading: Promise<void> = Promise.resolve();
  let away = false;
  let stopped = false;
  let cancel = (): void => undefined;

  async function read(): Promise<void> {
    // What is read after the version is never older than it.
    const version = await ledger.accessVersion();
    if (version === known) return;
    made = settingsOf(await ledger.madeTenants());
    known = version;
  }

  function refresh(): Promise<void> {
    reading = reading.catch(() => undefined).then(read);
    return reading;
  }

  async function look(): Promise<void> {
    try {
      await refresh();
      away = false;
    } catch (error) {
      // Once: others say so too as long as it lasts.
      if (!away)
        logger.warn({ err: error }, "changes of tenants and keys cannot be read; what is known stays");
      away = true;
    }
    if (!stopped) cancel = clock.setTimer(everyMs, () => void look());
  }

  return {
    into<C extends { readonly tenants: Readonly<Record<string, TenantConfig>> }>(config: C): C {
      if (merged === undefined || merged.from !== config || merged.made !== made)
        merged = { from: config, made, config: { ...config, tenants: { ...made, ...config.tenants } } };
      return merged.config as C;
    },
    version: () => known,
    refresh,
    start() {
      cancel = clock.setTimer(everyMs, () => void look());
    },
    stop() {
      stopped = true;
      cancel();
    },
  };
}

function settingsOf(tenants: readonly StoredTenant[]): Record<string, TenantConfig> {
  return Object.fromEntries(
    tenants.flatMap(({ id, settings, disabledAt }) =>
      settings === undefined
        ? []
        : [[id, disabledAt === undefined ? settings : { ...settings, disabled: true }]],
    ),
  );
}
