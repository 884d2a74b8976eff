import type { Clock, ProviderHealth } from "@sluice/domain";
import { Agent } from "undici";
import { addressOf, type ProviderAddress, type ProviderSettings } from "../provider-address.ts";
import { type HealthThresholds, nextHealth, unchecked } from "./next-health.ts";

/** How one provider is checked. */
export interface HealthCheck extends HealthThresholds {
  /** On the provider's host; absent: the list of models. */
  readonly path?: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/** A provider, and its check if it has one. */
export interface CheckedProvider extends ProviderSettings {
  readonly healthCheck?: HealthCheck;
}

export interface HealthCheckOptions {
  /** Providers of the active configuration by name; read each round, so that a reload takes effect. */
  readonly providers: () => Readonly<Record<string, CheckedProvider>>;
  readonly clock: Clock;
  /** Told of each first check, and when a provider begins or ceases to be well; `failure` is that of the last check. */
  readonly onChange: (provider: string, health: ProviderHealth, failure: string | undefined) => void;
}

/** The health of providers, as last checked. */
export interface HealthChecker {
  /** `undefined` for a provider without a check. */
  health(provider: string): ProviderHealth | undefined;
  close(): Promise<void>;
}

/** A check that can be made: where, with which credential, and how. */
interface Check extends HealthCheck {
  readonly address: ProviderAddress;
}

interface Watched {
  readonly address: ProviderAddress;
  readonly health: ProviderHealth;
  readonly isRunning: boolean;
  /** By the monotonic clock. */
  readonly nextAtMs: number;
}

const roundMs = 1_000;
/** A round comes some ms early or late; a check that is due by then is not put off to the next. */
const earlyMs = roundMs / 2;
const mostBytes = 65_536;

/**
 * Asks each provider that has a check whether it is well, at once and then again and again. One that is slow holds up
 * no other, and is not asked again before it has answered or its time is up.
 */
export function checkProviders({ providers, clock, onChange }: HealthCheckOptions): HealthChecker {
  // Each check connects anew: whether the provider can be reached is what it asks.
  const agent = new Agent({ pipelining: 0 });
  const watched = new Map<string, Watched>();
  let cancel = (): void => undefined;

  /** What is known of a provider at this address: another one starts anew. */
  function known(name: string, { address }: Check): Watched {
    const entry = watched.get(name);
    if (entry !== undefined && isSame(entry.address, address)) return entry;
    return { address, health: unchecked, isRunning: false, nextAtMs: Number.NEGATIVE_INFINITY };
  }

  async function run(name: string, check: Check): Promise<void> {
    const before = known(name, check);
    const startedAtMs = clock.monotonicMs();
    if (before.isRunning || startedAtMs < before.nextAtMs - earlyMs) return;
    const running = { ...before, isRunning: true, nextAtMs: startedAtMs + check.intervalMs };
    watched.set(name, running);
    const failure = await ask(agent, check);
    // Meanwhile a reload has put another check in its place.
    if (watched.get(name) !== running) return;
    const passed = failure === undefined;
    const health = nextHealth(before.health, { passed, checkedAt: clock.now() }, check);
    watched.set(name, { ...running, health, isRunning: false });
    if (health.ok !== before.health.ok || before.health.checkedAt === 0) onChange(name, health, failure);
  }

  function round(): void {
    cancel = clock.setTimer(roundMs, round);
    const all = providers();
    for (const name of new Set([...watched.keys(), ...Object.keys(all)])) {
      const check = checkOf(all, name);
      // One that comes back later starts anew.
      if (check === undefined) watched.delete(name);
      else void run(name, check);
    }
  }

  round();
  return {
    health(provider) {
      const check = checkOf(providers(), provider);
      return check && known(provider, check).health;
    },
    async close() {
      cancel();
      await agent.destroy();
    },
  };
}

/** Credentials go to the provider's own host only, whatever the path. */
function checkOf(providers: Readonly<Record<string, CheckedProvider>>, provider: string): Check | undefined {
  const settings = providers[provider]?.healthCheck;
  const address = addressOf({ provider, providers, simulators: {}, endpoint: "/v1/models" });
  if (settings === undefined || address === undefined) return undefined;
  return { ...settings, address: { ...address, path: settings.path ?? address.path } };
}

function isSame(one: ProviderAddress, other: ProviderAddress): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Why the provider is not well, without a word of what it answered; `undefined` when it is. */
async function ask(agent: Agent, { address, timeoutMs }: Check): Promise<string | undefined> {
  const { origin, path, credentials } = address;
  const signal = AbortSignal.timeout(timeoutMs);
  const headers = { ...credentials, "user-agent": "sluice" };
  try {
    const answer = await agent.request({ origin, path, method: "GET", headers, signal });
    await answer.body.dump({ limit: mostBytes });
    if (signal.aborted) return `did not answer within ${timeoutMs} ms`;
    return answer.statusCode >= 200 && answer.statusCode < 300 ? undefined : `answered ${answer.statusCode}`;
  } catch (error) {
    if (signal.aborted) return `did not answer within ${timeoutMs} ms`;
    return `could not be asked: ${(error as { code?: string }).code ?? "the connection failed"}`;
  }
}
