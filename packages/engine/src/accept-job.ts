import {
  type AcceptResult,
  type Clock,
  type EngineConfig,
  type FileStore,
  type IdempotencyKey,
  type IdSource,
  idFromUuid,
  type JobLedger,
  type JobSpec,
  type KeptEstimate,
  type LanePointer,
  type Lanes,
  type Logger,
  type Metrics,
  type Payload,
  SluiceError,
} from "@sluice/domain";
import type { Admission } from "./forecast/admit-job.ts";
import type { Forecaster } from "./forecast/forecaster.ts";
import type { ForecastReporter } from "./forecast/report-finishes.ts";
import { gather } from "./gather.ts";
import type { LaneRoom } from "./lane-room.ts";
import { payloadOf } from "./payloads.ts";
import { answerOfFirst, createCallsUnderWay } from "./repeated-call.ts";
import { type JobRequestFields, specJob } from "./spec-job.ts";

export interface AcceptJobPorts {
  readonly ledger: Pick<JobLedger, "acceptJobs" | "findClaim">;
  readonly lanes: Pick<Lanes, "add">;
  readonly room: LaneRoom;
  readonly admission: Pick<Admission, "admit">;
  readonly forecaster: Pick<Forecaster, "additions">;
  readonly reports: Pick<ForecastReporter, "accepted">;
  readonly files: Pick<FileStore, "put">;
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly config: () => EngineConfig;
  /** The body of the answer to an accepted job. */
  readonly render: (spec: JobSpec) => string;
}

export interface AcceptJobRequest {
  readonly fields: JobRequestFields;
  /** The model request's bytes exactly as the client sent them. */
  readonly body: Buffer;
  readonly idempotency?: IdempotencyKey | undefined;
}

export interface AcceptedJob {
  readonly status: number;
  readonly body: string;
  readonly replayed: boolean;
}

interface Admitted {
  readonly draft: JobSpec;
  readonly estimate: KeptEstimate | undefined;
}

/** How long an answer waits for the lane: the job is safe already, and a Redis that hangs is none of its caller's business. */
const laneWaitMs = 250;

/**
 * Accepts jobs: the promise is given once the ledger has committed; the lane gets its pointer right after, and when
 * Redis is away the dispatcher puts it there later. Throws {@link SluiceError} for what is the caller's fault.
 */
export function createAcceptJob(ports: AcceptJobPorts): (request: AcceptJobRequest) => Promise<AcceptedJob> {
  const addToLane = gather<LanePointer>((pointers) => ports.lanes.add(pointers));
  const underWay = createCallsUnderWay();

  return async (request) => {
    const { idempotency, fields } = request;
    const call = { idempotency, tenantId: fields.tenantId };
    let admitted: Admitted;
    try {
      admitted = await admit(request);
    } catch (refusal) {
      await underWay.over(call);
      return answerOf(await answerOfFirst(ports, call, refusal), "");
    }
    return underWay.run(call, () => commit(request, admitted));
  };

  async function admit(request: AcceptJobRequest): Promise<Admitted> {
    const config = ports.config();
    if (request.body.length > config.limits.jobBodyBytes) {
      throw new SluiceError(
        "payload_too_large",
        `'body' may be at most ${config.limits.jobBodyBytes} bytes.`,
        { param: "body" },
      );
    }
    const made = { id: idFromUuid("job", ports.ids.uuid()), now: ports.clock.now() };
    const draft = specJob(request.fields, config, { ...made, body: { kind: "inline", bytes: request.body } });
    return { draft, estimate: await ports.admission.admit(draft) };
  }

  async function commit(request: AcceptJobRequest, { draft, estimate }: Admitted): Promise<AcceptedJob> {
    // From here to the commit nothing may take long: the job holds its tokens, and soon its place.
    const counted = ports.forecaster.additions.add(draft);
    const spec = { ...draft, estimate, body: await stored(request.body, counted.dropped) };
    const laned = ports.room.take(spec);
    const body = ports.render(spec);
    const idempotency =
      request.idempotency === undefined
        ? {}
        : { idempotency: { ...request.idempotency, response: { status: 202, body } } };
    const [result] = await ports.ledger
      .acceptJobs([{ spec, laned, ...idempotency }])
      .finally(() => {
        if (laned) ports.room.committed(spec);
      })
      .catch((error: unknown) => {
        counted.dropped();
        throw error;
      });
    const isNew = result?.kind === "accepted";
    if (isNew) counted.committed();
    else counted.dropped();
    const answer = answerOf(result, body);
    if (isNew) await announce(spec, laned);
    // failpoint: after-accept-before-202
    return answer;
  }

  async function stored(bytes: Buffer, onFailure: () => void): Promise<Payload> {
    try {
      return await payloadOf(bytes, ports.files);
    } catch (error) {
      onFailure();
      throw error;
    }
  }

  async function announce(spec: JobSpec, laned: boolean): Promise<void> {
    ports.metrics.increment("sluice_jobs_accepted_total", { sla: spec.sla });
    ports.reports.accepted(spec);
    if (!laned) return;
    // failpoint: after-accept-before-lane
    const pointer = {
      jobId: spec.id,
      model: spec.model,
      effectiveDeadlineAt: spec.effectiveDeadlineAt,
      traceparent: spec.traceparent,
    };
    const added = addToLane(pointer).catch((error: unknown) => {
      ports.room.lanesAreAway();
      ports.logger.warn(
        { jobId: spec.id, err: error },
        "the lane did not take an accepted job; the dispatcher will put it there",
      );
    });
    await atMost(ports.clock, laneWaitMs, added);
  }
}

function atMost(clock: Clock, waitMs: number, step: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.setTimer(waitMs, resolve);
    void step.then(() => {
      cancel();
      resolve();
    });
  });
}

/** What a claim of the ledger means for the caller. */
export function answerOf(result: AcceptResult | undefined, body: string, status = 202): AcceptedJob {
  if (result === undefined) throw new Error("the ledger gave no result for an accepted job");
  switch (result.kind) {
    case "accepted":
      return { status, body, replayed: false };
    case "replayed":
      return { status: result.status, body: result.body, replayed: true };
    case "key-reused":
      throw new SluiceError("idempotency_key_reused", "This Idempotency-Key was used with another body.");
  }
}
