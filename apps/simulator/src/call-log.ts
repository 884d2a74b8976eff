/** One call as it was seen; `status` is 0 when the connection was cut before a status, 499 when the caller left. */
export interface CallRecord {
  readonly sequence: number;
  /** Unix milliseconds. */
  readonly arrivedAt: number;
  readonly path: string;
  readonly keyFingerprint: string;
  /** The caller's headers, if sent. */
  readonly requestId: string | undefined;
  readonly jobId: string | undefined;
  readonly idempotencyKey: string | undefined;
  /** Of the request body, in hex. */
  sha256: string;
  model: string;
  inputTokens: number;
  outputTokens: number;
  status: number | undefined;
  fault: string | undefined;
  refusedBy: string | undefined;
  durationMs: number | undefined;
}

/** The latest calls, in the order they came. */
export interface CallLog {
  add(record: CallRecord): void;
  /** Calls with a sequence number above `since`, oldest first. */
  since(since: number, limit: number): CallRecord[];
  /** The next sequence number. */
  nextSequence(): number;
  /** Calls that were dropped because the log was full. */
  dropped(): number;
  clear(): void;
}

/** A ring of `capacity` calls. */
export function createCallLog(capacity: number): CallLog {
  let ring: CallRecord[] = [];
  let sequence = 0;
  return {
    add(record) {
      ring[(record.sequence - 1) % capacity] = record;
      sequence = record.sequence;
    },
    since(since, limit) {
      const first = Math.max(since + 1, sequence - ring.length + 1, 1);
      const found: CallRecord[] = [];
      for (let next = first; next <= sequence && found.length < limit; next += 1) {
        const record = ring[(next - 1) % capacity];
        if (record !== undefined) found.push(record);
      }
      return found;
    },
    nextSequence: () => sequence + 1,
    dropped: () => sequence - ring.length,
    clear() {
      ring = [];
      sequence = 0;
    },
  };
}

/** A call as `/_sim/calls` shows it. */
export function showCall(record: CallRecord): Record<string, unknown> {
  return {
    seq: record.sequence,
    at: new Date(record.arrivedAt).toISOString(),
    path: record.path,
    model: record.model,
    status: record.status ?? null,
    fault: record.fault ?? null,
    throttled: record.refusedBy ?? null,
    input_tokens: record.inputTokens,
    output_tokens: record.outputTokens,
    duration_ms: record.durationMs ?? null,
    sha256: record.sha256,
    key: record.keyFingerprint,
    x_request_id: record.requestId ?? null,
    x_sluice_job_id: record.jobId ?? null,
    idempotency_key: record.idempotencyKey ?? null,
  };
}
