/**
 * What a queue holds of a job beside its id, version 1: nothing. A prompt or a result in Redis would be
 * lost with it, would outlive its retention there, and would cost memory for the whole backlog.
 */
export interface PayloadV1 {
  readonly v: 1;
}

/** Every pointer carries the same name: BullMQ wants one, and it is stored with each. */
export const pointerName = "p";

export const payloadV1: PayloadV1 = { v: 1 };

/**
 * Whether this process can read a payload. An empty one is a ghost: the job's hash was lost and Redis
 * made a new one when it was claimed. Its id is intact, and that is all a pointer is.
 */
export function judgePayload(data: unknown): "readable" | "newer" {
  if (typeof data !== "object" || data === null || !("v" in data)) return "readable";
  return data.v === 1 ? "readable" : "newer";
}
