import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ChildSpec } from "../../../apps/cli/src/supervisor/index.ts";
import { startTestCluster, type TestCluster } from "../../e2e/kit/cluster.ts";
import { startWebhookReceiver, type WebhookReceiver } from "../../e2e/kit/webhook-receiver.ts";
import type { Failpoint } from "../failpoints/failpoints.ts";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

/** Price of the one target, in USD for a million tokens. */
export const pricePerMillion = { input: 1, output: 4 } as const;

const config = `
version: 1
providers:
  sim: { kind: simulator, ttft_ms: 500, tokens_per_second: 400 }
pools:
  only:
    targets:
      - { id: only, provider: sim, model: sim-8b, price: { input: ${pricePerMillion.input}, output: ${pricePerMillion.output} }, limits: { concurrency: 12 } }
models:
  auto: { pools: [only] }
webhooks: { allow_networks: ["127.0.0.0/8"], timeout: 5s }
`;

/** A cluster that can be broken: its roles reach Redis and PostgreSQL through proxies and carry failpoints. */
export interface FaultCluster extends TestCluster {
  readonly receiver: WebhookReceiver;
  /** By way of the proxy, as the roles reach it. */
  readonly redisUrl: string;
  readonly redisWire: TcpProxy;
  readonly postgresWire: TcpProxy;
  /** Where its processes put their temporary files. */
  readonly temporaryDir: string;
  /** The next process that comes to this point dies there by SIGKILL. */
  arm(name: Failpoint): void;
  /** Whether one has. */
  hasFired(name: Failpoint): boolean;
}

/** Starts one target with twelve places, two workers, and a receiver for every ending. */
export async function startFaultCluster(): Promise<FaultCluster> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-faults-"));
  const [failpointDir, temporaryDir] = [join(folder, "failpoints"), join(folder, "tmp")];
  for (const path of [failpointDir, temporaryDir]) mkdirSync(path);
  const [redisWire, postgresWire] = [await startTcpProxy(), await startTcpProxy()];
  const receiver = await startWebhookReceiver();
  const preload = new URL("../failpoints/preload.ts", import.meta.url).href;
  const reshape = (child: ChildSpec): ChildSpec => ({
    ...child,
    args: child.name.startsWith("simulator-") ? child.args : ["--import", preload, ...child.args],
    env: (context) => ({
      ...(typeof child.env === "function" ? child.env(context) : child.env),
      REDIS_URL: through(redisWire, context.redisUrl),
      DATABASE_URL: through(postgresWire, context.databaseUrl),
      TMPDIR: temporaryDir,
      SLUICE_TEST_FAILPOINTS: failpointDir,
    }),
  });
  const cluster = await startTestCluster({ config, reshape });
  await cluster.api.post("/v1/webhook_endpoints", {
    url: receiver.url,
    event_types: ["job.succeeded", "job.failed", "job.dead", "batch.completed"],
  });
  return {
    ...cluster,
    receiver,
    redisUrl: through(redisWire, cluster.supervised.redisUrl),
    redisWire,
    postgresWire,
    temporaryDir,
    arm: (name) => writeFileSync(join(failpointDir, name), ""),
    hasFired: (name) => !existsSync(join(failpointDir, name)),
    async stop() {
      await cluster.stop();
      receiver.close();
      await Promise.all([redisWire.close(), postgresWire.close()]);
      rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
    },
  };
}

/** The same address by way of the proxy. A server on a socket file has no port and stays as it is. */
function through(proxy: TcpProxy, address: string): string {
  const url = new URL(address);
  proxy.target = { host: url.hostname, port: Number(url.port) };
  url.hostname = "127.0.0.1";
  url.port = String(proxy.port);
  return url.href;
}
