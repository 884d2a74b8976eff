import type { StartAttempt, StartResult } from "@sluice/domain";
import { commitSettlement, pause } from "./commit-settlement.ts";
import type { ProcessJobPorts } from "./process-job-ports.ts";

const inDoubtMs = 500;

/**
 * Commits the start of an attempt. When the ledger's answer is lost the attempt may stand there all the same, owned
 * by a worker that lives and does not work on it: then it is taken back before anything else happens.
 */
export async function startAttempt(
  ports: Pick<ProcessJobPorts, "ledger" | "clock" | "logger">,
  start: StartAttempt,
): Promise<StartResult> {
  try {
    const [started] = await ports.ledger.startAttempts([start]);
    return started ?? { kind: "lost" };
  } catch (error) {
    ports.logger.warn({ jobId: start.jobId, err: error }, "it is not known whether the attempt was started");
    await pause(ports, inDoubtMs);
    await takeBack(ports, start);
    return { kind: "lost" };
  }
}

/** Settles the attempt as one that never left; fenced, and so without effect, if it was not committed. */
async function takeBack(
  ports: Pick<ProcessJobPorts, "ledger" | "clock" | "logger">,
  start: StartAttempt,
): Promise<void> {
  const now = ports.clock.now();
  await commitSettlement(ports, {
    jobId: start.jobId,
    epoch: start.fromEpoch + 1,
    workerId: start.workerId,
    endedAt: now,
    targetId: start.targetId,
    outcome: "aborted",
    statusCode: undefined,
    latencyMs: 0,
    usage: undefined,
    costUsd: 0,
    next: { kind: "wait", notBeforeAt: now, avoidTarget: false, spentAttempt: false },
  });
}
