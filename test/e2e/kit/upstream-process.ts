import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startProcess } from "../../bench/bench-process.ts";
import { createSimulatorControl, type SimulatorControl } from "./simulator-control.ts";

/** A simulated upstream in a process of its own, so that a drill's own work does not slow it. */
export interface UpstreamProcess extends SimulatorControl {
  /** Base URL of its API, with `/v1`. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts a simulator with these flags (see its README), such as `{ "ttft-ms": 200 }`. */
export async function startUpstreamProcess(
  flags: Readonly<Record<string, string | number>>,
): Promise<UpstreamProcess> {
  const logFolder = mkdtempSync(join(tmpdir(), "sluice-upstream-"));
  const started = await startProcess({
    name: "upstream",
    program: "apps/simulator/src/main.ts",
    args: Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, String(value)]),
    logFolder,
  });
  return {
    url: started.url,
    ...createSimulatorControl(new URL(started.url).origin),
    async stop() {
      await started.stop();
      rmSync(logFolder, { recursive: true, force: true });
    },
  };
}
