import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createApiClient } from "../api/api-client.ts";
import { type CliContext, sentenceOf } from "../context.ts";
import { createPoolCounter } from "../progress/call-counts.ts";
import { followBatch } from "../progress/follow-batch.ts";
import { summaryLine } from "../progress/progress-view.ts";
import type { Terminal } from "../progress/terminal.ts";
import { invalidLines, startBatch } from "../run/run-batch.ts";
import { type ClusterSettings, isSimulatedOnly, repositoryFile } from "./load-settings.ts";
import type { RunningCluster } from "./run-local-cluster.ts";
import { workerUrls } from "./worker-urls.ts";

/** What the sample batch runs on. */
export interface SampleOptions {
  readonly cluster: RunningCluster;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

const markerOf = (dataDir: string): string => join(dataDir, "sample-batch");

/** Whether this start runs the bundled sample: the first one of a data directory, with nothing that costs money. */
export function wantsSample({ env }: Pick<CliContext, "env">, { dataDir, config }: ClusterSettings): boolean {
  return env["SLUICE_SAMPLE"] !== "0" && isSimulatedOnly(config) && !existsSync(markerOf(dataDir));
}

/** Runs the bundled sample of real prompts, showing progress and outcome. Never throws: it is a demonstration. */
export async function runSample(options: SampleOptions): Promise<void> {
  try {
    await demonstrate(options);
  } catch (error) {
    if (!options.signal.aborted) options.terminal.say(`the sample batch did not work: ${sentenceOf(error)}`);
  }
}

async function demonstrate({ cluster, terminal, signal }: SampleOptions): Promise<void> {
  const file = repositoryFile("examples", "sample.jsonl");
  const api = createApiClient({ url: cluster.url, key: cluster.adminKey });
  const pools = await createPoolCounter({ workers: workerUrls(cluster.health), pools: cluster.pools });
  terminal.say(
    "The first start runs a sample of real prompts on the simulated providers (SLUICE_SAMPLE=0 turns it off):",
  );
  const { id } = await startBatch(api, file, { completion_window: "24h", metadata: { sample: "true" } });
  writeFileSync(markerOf(cluster.dataDir), `${id}\n`, { mode: 0o600 });
  const { batch, progress, tookMs } = await followBatch({ api, batchId: id, terminal, signal, pools });
  if (signal.aborted) return;
  if (batch.status === "failed") return terminal.say(invalidLines(file, batch).join("\n"));
  terminal.say(`sample ${batch.status}: ${summaryLine(progress, tookMs)}`);
  terminal.say(`its results: npx sluice results ${id}`);
}
