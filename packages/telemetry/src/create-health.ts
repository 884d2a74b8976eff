/** What a check found; `detail` is shown to anybody, so no addresses, names of hosts or messages of errors. */
export interface CheckResult {
  readonly ok: boolean;
  readonly detail?: string;
}

/** Looks whether something works; is told by the signal when its time is over. */
export type Check = (signal: AbortSignal) => CheckResult | Promise<CheckResult>;

export interface Readiness {
  /** Whether this process can do its own work: all checks are ok. */
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, CheckResult>>;
  /** What is wrong without stopping this process, by cause. */
  readonly warnings: readonly { readonly cause: string; readonly detail?: string }[];
}

export interface Health {
  /** Adds a condition without which this process cannot do its own work. */
  addCheck(name: string, check: Check): void;
  /** Adds something worth telling that does not make the process unready. */
  addWarning(cause: string, check: Check): void;
  /** Runs everything now, side by side. Never throws: a check that throws or takes too long is not ok. */
  readiness(): Promise<Readiness>;
}

export interface HealthOptions {
  /** How long one check may take; 2000 by default. */
  readonly checkTimeoutMs?: number;
  /** Hears of each warning at each reading, e.g. to set `sluice_warnings`. */
  readonly onWarning?: (cause: string, holds: boolean) => void;
}

/** Makes an empty registry of health checks; names must be unique. */
export function createHealth(options: HealthOptions = {}): Health {
  const checks = new Map<string, Check>();
  const warnings = new Map<string, Check>();
  const timeoutMs = options.checkTimeoutMs ?? 2000;
  return {
    addCheck: (name, check) => add(checks, name, check),
    addWarning: (cause, check) => add(warnings, cause, check),
    async readiness() {
      const [checked, warned] = await Promise.all([runAll(checks, timeoutMs), runAll(warnings, timeoutMs)]);
      for (const [cause, result] of warned) options.onWarning?.(cause, !result.ok);
      return {
        ready: checked.every(([, result]) => result.ok),
        checks: Object.fromEntries(checked),
        warnings: warned
          .filter(([, result]) => !result.ok)
          .map(([cause, { detail }]) => ({ cause, ...(detail && { detail }) })),
      };
    },
  };
}

function add(registry: Map<string, Check>, name: string, check: Check): void {
  if (registry.has(name)) throw new Error(`there is a check "${name}" already`);
  registry.set(name, check);
}

function runAll(checks: ReadonlyMap<string, Check>, timeoutMs: number): Promise<[string, CheckResult][]> {
  return Promise.all(
    [...checks].map(
      async ([name, check]): Promise<[string, CheckResult]> => [name, await run(check, timeoutMs)],
    ),
  );
}

async function run(check: Check, timeoutMs: number): Promise<CheckResult> {
  const controller = new AbortController();
  const { promise: late, resolve } = Promise.withResolvers<CheckResult>();
  const timer = setTimeout(() => {
    resolve({ ok: false, detail: `no answer within ${timeoutMs} ms` });
    controller.abort();
  }, timeoutMs);
  try {
    return await Promise.race([late, check(controller.signal)]);
  } catch {
    return { ok: false, detail: "the check failed" };
  } finally {
    clearTimeout(timer);
  }
}
