import type {
  ArrivalSum,
  Clock,
  ForecastBoard,
  ForecastReport,
  JobSpec,
  KeptPromise,
  Logger,
  ServedSum,
} from "@sluice/domain";

/** Tells the leading dispatcher what it predicts from. Nothing waits for it. */
export interface ForecastReporter {
  /** A job was accepted by itself; batches come at once and say nothing of what keeps coming. */
  accepted(job: JobSpec): void;
  /** A target has ended a job. */
  served(job: JobSpec, targetId: string): void;
  /** A job has got its result. */
  finished(job: JobSpec, finishedAt: number): void;
}

const gatherMs = 1_000;
/** Of each second; the sums count all. */
const mostPromises = 100;

/** For processes of which nobody learns. */
export const noReports: ForecastReporter = { accepted: () => {}, served: () => {}, finished: () => {} };

/** Gathers what a second brings into one report; one that is not taken is lost. */
export function createForecastReporter(ports: {
  readonly board: Pick<ForecastBoard, "report">;
  readonly clock: Clock;
  readonly logger: Logger;
}): ForecastReporter {
  let draft = emptyDraft();

  function gather(): void {
    if (draft.isOpen) return;
    draft.isOpen = true;
    ports.clock.setTimer(gatherMs, flush);
  }

  function flush(): void {
    const { served, arrivals, finished } = draft;
    draft = emptyDraft();
    const report: ForecastReport = {
      served: [...served.values()],
      arrivals: [...arrivals.values()],
      finished,
    };
    ports.board
      .report(report)
      .catch((error: unknown) => ports.logger.debug({ err: error }, "a report for forecasts was not taken"));
  }

  return {
    accepted(job) {
      gather();
      addArrival(draft.arrivals, job);
    },
    served({ tokens }, targetId) {
      gather();
      const sum = draft.served.get(targetId) ?? { targetId, jobs: 0, tokens: 0 };
      draft.served.set(targetId, { targetId, jobs: sum.jobs + 1, tokens: sum.tokens + tokens });
    },
    finished({ candidateSet, model, acceptedAt, effectiveDeadlineAt, estimate }, finishedAt) {
      if (estimate === undefined || draft.finished.length >= mostPromises) return;
      gather();
      const leadMs = effectiveDeadlineAt - acceptedAt;
      draft.finished.push({ candidateSet, model, acceptedAt, leadMs, finishedAt, estimate });
    },
  };
}

interface Draft {
  readonly served: Map<string, ServedSum>;
  readonly arrivals: Map<string, ArrivalSum>;
  readonly finished: KeptPromise[];
  isOpen: boolean;
}

function emptyDraft(): Draft {
  return { served: new Map(), arrivals: new Map(), finished: [], isOpen: false };
}

/** Sums what has about the same time to its effective deadline. */
function addArrival(arrivals: Map<string, ArrivalSum>, job: JobSpec): void {
  const { candidateSet, tenantId, tokens } = job;
  const leadMs = Math.max(1, job.effectiveDeadlineAt - job.acceptedAt);
  const key = `${candidateSet} ${tenantId} ${Math.floor(Math.log2(leadMs))}`;
  const sum = arrivals.get(key) ?? { candidateSet, tenantId, leadMs, tokens: 0 };
  const all = sum.tokens + tokens;
  const meanMs = all === 0 ? leadMs : sum.leadMs + ((leadMs - sum.leadMs) * tokens) / all;
  arrivals.set(key, { candidateSet, tenantId, leadMs: meanMs, tokens: all });
}
