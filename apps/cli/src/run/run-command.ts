import { resolve } from "node:path";
import type { Config } from "@sluice/config";
import { parseDuration } from "@sluice/scheduling";
import { createApiClient } from "../api/api-client.ts";
import { findApi, localCluster } from "../api/find-api.ts";
import type { ClusterFile } from "../cluster/cluster-file.ts";
import { loadSettings } from "../cluster/load-settings.ts";
import { workerUrls } from "../cluster/worker-urls.ts";
import { type StopFlags, stopsOf } from "../commands/wishes.ts";
import { type CliContext, CliError } from "../context.ts";
import { createPoolCounter } from "../progress/call-counts.ts";
import { createTerminal, type Terminal } from "../progress/terminal.ts";
import { readEndpoint } from "./read-endpoint.ts";
import { type BatchEnd, exitCodeOf, type FileWishes, invalidLines, runBatch } from "./run-batch.ts";
import { assertWritable } from "./write-output.ts";

/** The flags of `run`. */
export interface RunFlags extends StopFlags {
  readonly out: string;
  readonly sla?: string | undefined;
  readonly deadline?: string | undefined;
  readonly config?: string | undefined;
  readonly json?: boolean | undefined;
}

const usualWindow = "24h";

/** `npm start -- run FILE --out OUT`: a cluster for one batch. Answers the exit code. */
export async function run(context: CliContext, file: string, flags: RunFlags): Promise<number> {
  const input = resolve(context.callerDir, file);
  const out = resolve(context.callerDir, flags.out);
  // What can be known to be wrong is told before servers are started for it.
  const stops = stopsOf(flags);
  await readEndpoint(input);
  await assertWritable(out);
  const terminal = createTerminal(flags.json === true ? context.err : context.out);
  const settings = await loadSettings(context, {
    configPath: flags.config,
    say: (line) => terminal.say(line),
  });
  const wishes = { ...wishesOf(settings.config, flags), ...stops };
  const work = async (at: RunPlace, signal: AbortSignal): Promise<number> => {
    const { end, code } = await runOn(at, { input, out, wishes, terminal, signal });
    tell(context, { end, file: input, flags });
    return code;
  };
  const running = localCluster(context);
  if (running !== undefined) {
    terminal.say(
      `using the cluster that runs at ${running.url}, with its own configuration (${running.configPath})`,
    );
    return work(
      { ...running, adminKey: findApi({ env: { ...context.env, SLUICE_URL: running.url } }).key },
      context.signal,
    );
  }
  const { runLocalCluster } = await import("../cluster/run-local-cluster.ts");
  return runLocalCluster(context, { settings, terminal, main: work });
}

type RunPlace = Pick<ClusterFile, "url" | "health" | "pools"> & { readonly adminKey: string };
interface Work {
  readonly input: string;
  readonly out: string;
  readonly wishes: FileWishes;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

async function runOn(at: RunPlace, { input, ...rest }: Work): Promise<{ end: BatchEnd; code: number }> {
  const api = createApiClient({ url: at.url, key: at.adminKey });
  const pools = await createPoolCounter({ workers: workerUrls(at.health), pools: at.pools });
  const end = await runBatch({ ...rest, api, file: input, pools });
  return { end, code: exitCodeOf(end) };
}

/** The window is what was asked for, else what the SLA class promises, else a day. */
function wishesOf(config: Config, { sla, deadline }: RunFlags): FileWishes {
  if (sla !== undefined && deadline !== undefined)
    throw new CliError("--sla and --deadline exclude each other.", 2);
  if (sla === undefined) return { completion_window: checkedDeadline(deadline) ?? usualWindow };
  const known = config.slaClasses[sla];
  if (known !== undefined) return { sla, completion_window: `${known.deadlineMs}ms` };
  throw new CliError(`--sla must be one of ${Object.keys(config.slaClasses).join(", ")}, got "${sla}".`, 2);
}

function checkedDeadline(deadline: string | undefined): string | undefined {
  if (deadline === undefined || (parseDuration(deadline) ?? 0) > 0) return deadline;
  throw new CliError(`--deadline must be a duration such as 30s, 10m or 24h, got "${deadline}".`, 2);
}

function tell(
  { out, err }: CliContext,
  { end, file, flags }: { end: BatchEnd; file: string; flags: RunFlags },
): void {
  if (end.kind === "invalid") {
    const lines = invalidLines(file, end.batch);
    err.write(`the file is not valid, so none of it was run:\n${lines.join("\n")}\n`);
  }
  if (flags.json !== true) return;
  const counts = end.kind === "written" ? end.written : {};
  out.write(`${JSON.stringify({ ...counts, outcome: end.kind, batch: end.batch })}\n`);
}
