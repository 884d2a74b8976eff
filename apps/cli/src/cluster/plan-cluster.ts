import type { Config, SimulatorProvider } from "@sluice/config";
import { freePort } from "@sluice/embedded";
import type { ChildSpec } from "../supervisor/index.ts";
import { type ClusterSettings, repositoryFile } from "./load-settings.ts";

/** The children of a cluster, and where they will be. */
export interface ClusterPlan {
  readonly stages: readonly (readonly ChildSpec[])[];
  /** Base URL of `/readyz` and `/metrics` of each role without HTTP of its own, by name. */
  readonly health: Readonly<Record<string, string>>;
  /** Base URL of each simulator by its provider's name. */
  readonly simulators: Readonly<Record<string, string>>;
  /** Pool of each target. */
  readonly pools: Readonly<Record<string, string>>;
}

/**
 * What passes through these roles is short-lived, and is collected while it is young when young memory is small: with
 * V8's default of 16 MiB and more, a large batch would grow the dispatcher by half (docs/batches.md).
 */
const smallHeap = ["--max-semi-space-size=8"];
const isPassedThrough = new Set(["api", "dispatcher"]);

/** Arguments of node for a role. */
function argsOf(role: string): string[] {
  return [...(isPassedThrough.has(role) ? smallHeap : []), program(role)];
}

const program = (role: string): string => repositoryFile("apps", role, "src", "main.ts");

/**
 * Plans one simulator for each simulated provider, then every role. Ports are chosen here and given to the children,
 * so that a child that is started again is found where it was.
 */
export async function planCluster(settings: ClusterSettings): Promise<ClusterPlan> {
  const simulated = Object.values(settings.config.providers).filter(
    (provider) => provider.kind === "simulator",
  );
  const roles = [...workerNames(settings.workers), "dispatcher", "delivery"];
  const ports = await freePorts(simulated.length + roles.length);
  const simulators = urlsOf(
    simulated.map(({ name }) => name),
    ports.slice(0, simulated.length),
  );
  const health = urlsOf(roles, ports.slice(simulated.length));
  const shared = {
    SLUICE_CONFIG: settings.configPath,
    SLUICE_DATA_DIR: settings.dataDir,
    SLUICE_SIMULATORS: JSON.stringify(simulators),
  };
  const background = roles.map((name) => ({
    name,
    args: argsOf(name.replace(/-\d+$/, "")),
    // The health server is for this machine, wherever the API listens.
    env: { ...shared, SLUICE_HOST: "127.0.0.1", SLUICE_HEALTH_PORT: portOf(health[name]) },
  }));
  const api: ChildSpec = {
    name: "api",
    args: argsOf("api"),
    env: ({ adminKey }) => ({ ...shared, SLUICE_ADMIN_KEY: adminKey, SLUICE_HEALTH_PORT: "" }),
    portVariable: "SLUICE_PORT",
  };
  // The API starts last and so stops first: nothing is accepted while the rest drains.
  const stages = [simulated.map((provider) => simulatorSpec(provider, simulators)), background, [api]];
  return {
    stages: stages.filter((stage) => stage.length > 0),
    health,
    simulators,
    pools: poolsOf(settings.config),
  };
}

function simulatorSpec(provider: SimulatorProvider, urls: Readonly<Record<string, string>>): ChildSpec {
  const { limits } = provider;
  const flags: Record<string, string | number | undefined> = {
    name: provider.name,
    port: portOf(urls[provider.name]),
    "ttft-ms": provider.ttftMs,
    "tokens-per-second": provider.tokensPerSecond,
    "error-rate": provider.errorRate,
    "requests-per-minute": limits.requestsPerMinute,
    "tokens-per-minute": limits.tokensPerMinute,
    concurrency: limits.concurrency,
  };
  const args = Object.entries(flags).flatMap(([flag, value]) =>
    value === undefined ? [] : [`--${flag}`, String(value)],
  );
  return {
    name: `simulator-${provider.name.replaceAll(/[^\w.-]/g, "_")}`,
    args: [program("simulator"), ...args],
  };
}

function workerNames(workers: number): string[] {
  return Array.from({ length: workers }, (_, index) => `worker-${index + 1}`);
}

function poolsOf({ pools }: Config): Record<string, string> {
  const targets = Object.values(pools).flatMap((pool) => pool.targets);
  return Object.fromEntries(targets.map(({ id, pool }) => [id, pool]));
}

function freePorts(wanted: number): Promise<number[]> {
  return Promise.all(Array.from({ length: wanted }, freePort));
}

function urlsOf(names: readonly string[], ports: readonly number[]): Record<string, string> {
  return Object.fromEntries(names.map((name, index) => [name, `http://127.0.0.1:${ports[index]}`]));
}

function portOf(url: string | undefined): string {
  return url === undefined ? "" : new URL(url).port;
}
