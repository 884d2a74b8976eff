import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "@sluice/config";
import { freePort } from "@sluice/embedded";
import { migrate } from "@sluice/ledger";
import OpenAI from "openai";
import { planCluster } from "../../../apps/cli/src/cluster/plan-cluster.ts";
import { type ChildSpec, type Cluster, startCluster } from "../../../apps/cli/src/supervisor/index.ts";
import { type ApiCaller, createApiCaller } from "./api-caller.ts";
import { createSimulatorControl, type SimulatorControl } from "./simulator-control.ts";

/** The admin key of every test cluster. */
export const adminKey = "sk-sluice-end-to-end-0123456789";

/** What a test cluster is started with. */
export interface TestClusterOptions {
  /** The text of its sluice.yaml. */
  readonly config: string;
  /** Worker processes, default 2. */
  readonly workers?: number;
  /** Added to what every role gets. */
  readonly env?: Readonly<Record<string, string>>;
  /** Changes how a child is started, for faults that stand between it and its servers. */
  readonly reshape?: (child: ChildSpec) => ChildSpec;
}

/** A whole cluster of real processes: servers, simulators and roles under the supervisor. */
export interface TestCluster {
  readonly supervised: Cluster;
  readonly dataDir: string;
  /** Base URL of the API, without `/v1`. */
  readonly url: string;
  readonly api: ApiCaller;
  /** The unmodified client of OpenAI. */
  readonly openai: OpenAI;
  /** One for each simulated provider, by its name. */
  readonly simulators: Readonly<Record<string, SimulatorControl>>;
  /** Base URL of `/metrics` of each role without HTTP of its own, by name. */
  readonly health: Readonly<Record<string, string>>;
  /** kill -9 of a role (`api`, `worker-1` …) or a server (`redis`, `postgres`). */
  kill(name: string): Promise<void>;
  /** Replaces sluice.yaml; every role takes it over within some seconds. */
  reconfigure(config: string): void;
  stop(): Promise<void>;
}

/** Starts a cluster in a directory of its own and answers when every process is ready. */
export async function startTestCluster(options: TestClusterOptions): Promise<TestCluster> {
  const { config, workers = 2, env = {}, reshape = (child) => child } = options;
  const folder = makeDataFolder(config);
  const loaded = await loadConfig({ path: folder.configPath, env: {} });
  if (!loaded.ok) throw new Error(`the test's configuration is wrong: ${JSON.stringify(loaded.errors)}`);
  const { dataDir, configPath } = folder;
  const plan = await planCluster({ dataDir, configPath, config: loaded.config, workers });
  const supervised = await startCluster({
    dataDir,
    env: { ...(await clusterEnvironment()), ...env },
    migrate: (databaseUrl) => migrate(databaseUrl).then(() => undefined),
    stages: plan.stages.map((stage) => stage.map(reshape)),
    fastPostgres: true,
  });
  return {
    supervised,
    dataDir,
    url: supervised.apiUrl,
    api: createApiCaller({ url: supervised.apiUrl, key: adminKey }),
    openai: openaiClient(supervised.apiUrl),
    simulators: Object.fromEntries(
      Object.entries(plan.simulators).map(([name, url]) => [name, createSimulatorControl(url)]),
    ),
    health: plan.health,
    kill: (name) => supervised.kill(name, "SIGKILL"),
    reconfigure: (text) => writeFileSync(configPath, text),
    async stop() {
      await supervised.stop();
      folder.remove();
    },
  };
}

/** A data directory with a configuration beside it. `SLUICE_TEST_KEEP=1` keeps it, for its logs. */
export function makeDataFolder(config: string): { dataDir: string; configPath: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), "sluice-e2e-"));
  const configPath = join(folder, "sluice.yaml");
  writeFileSync(configPath, config);
  const remove = (): void => {
    if (process.env["SLUICE_TEST_KEEP"] === undefined)
      rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
  };
  return { dataDir: join(folder, "data"), configPath, remove };
}

/** The environment of a test cluster: nothing that would lead it to servers or upstreams outside of it. */
export async function clusterEnvironment(): Promise<Record<string, string>> {
  const { PATH = "", HOME = "" } = process.env;
  return {
    PATH,
    HOME,
    SLUICE_ADMIN_KEY: adminKey,
    SLUICE_PORT: String(await freePort()),
    SLUICE_SAMPLE: "0",
    SLUICE_WORKER_CONCURRENCY: "16",
  };
}

/** The unmodified client; it tries again by itself while the API is down. */
export function openaiClient(url: string, apiKey = adminKey): OpenAI {
  return new OpenAI({ apiKey, baseURL: `${url}/v1`, maxRetries: 8 });
}
