import { startS3 } from "../../kit/start-s3.ts";
import { startTestCluster, type TestCluster } from "./cluster.ts";

const config = `
version: 1
providers:
  quick: { kind: simulator, ttft_ms: 20, tokens_per_second: 5000 }
pools:
  quick:
    targets:
      - { id: quick, provider: quick, model: sim-8b }
models:
  auto: { pools: [quick] }
limits: { batch_file_bytes: 1MB }
`;

export const fileStores = ["a directory", "S3"] as const;

/** A cluster that keeps its files in one of {@link fileStores}; batch files of at most 1 MB, the model `auto`. */
export interface FileCluster extends TestCluster {
  /** Ends the S3 server, if it has one. */
  loseStore(): Promise<void>;
}

/** Starts a cluster, and for S3 a server that speaks it. */
export async function startFileCluster(store: (typeof fileStores)[number]): Promise<FileCluster> {
  const s3 = store === "S3" ? await startS3() : undefined;
  if (s3 !== undefined) await fetch(`${s3.endpoint}/test-bucket`, { method: "PUT" });
  const env =
    s3 === undefined
      ? {}
      : {
          SLUICE_FILES_URL: "s3://test-bucket/sluice",
          AWS_ENDPOINT_URL_S3: s3.endpoint,
          AWS_ACCESS_KEY_ID: "AKIATEST",
          AWS_SECRET_ACCESS_KEY: "test-secret",
        };
  const cluster = await startTestCluster({ config, env });
  const loseStore = async () => s3?.close();
  return {
    ...cluster,
    loseStore,
    async stop() {
      await cluster.stop();
      await loseStore();
    },
  };
}
