import { fork } from "node:child_process";
import { freePort } from "@sluice/embedded";
import { clusterEnvironment, makeDataFolder, type TestCluster } from "./cluster.ts";

/** Another API process on the stores of a cluster. */
export interface SecondApi {
  readonly url: string;
  stop(): Promise<void>;
}

const program = new URL("../../../apps/api/src/main.ts", import.meta.url);

/** Starts one with this configuration, and answers when it listens. */
export async function startSecondApi(
  { supervised }: Pick<TestCluster, "supervised">,
  config: string,
): Promise<SecondApi> {
  const { dataDir, configPath, remove } = makeDataFolder(config);
  const child = fork(program, {
    env: {
      ...(await clusterEnvironment()),
      DATABASE_URL: supervised.databaseUrl,
      REDIS_URL: supervised.redisUrl,
      SLUICE_CONFIG: configPath,
      SLUICE_DATA_DIR: dataDir,
      SLUICE_PORT: String(await freePort()),
      LOG_LEVEL: "fatal",
    },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const url = await new Promise<string>((resolve, reject) => {
    child.once("message", (message) => resolve((message as { url: string }).url));
    void gone.then(() => reject(new Error("the second API did not start")));
  });
  return {
    url,
    async stop() {
      child.kill("SIGTERM");
      await gone;
      remove();
    },
  };
}
