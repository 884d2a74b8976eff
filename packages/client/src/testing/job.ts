/** A job as the API shows it. */
export function job(status = "queued", more: object = {}) {
  return {
    id: "job_1",
    object: "job",
    status,
    model: "auto",
    endpoint: "/v1/chat/completions",
    sla: "standard",
    priority: 0,
    deadline: "2026-11-28T12:15:00.000Z",
    created_at: "2026-11-28T12:00:00.000Z",
    metadata: {},
    ...more,
  };
}

/** One that has ended, answered by the upstream with `body`. */
export function answered(status: "succeeded" | "failed", statusCode: number, body: unknown) {
  return job(status, { target: "mini", usage: null, result: { status_code: statusCode, body } });
}

/** A request for a chat completion. */
export function chat(content: string, more: object = {}) {
  return {
    endpoint: "/v1/chat/completions",
    body: { model: "auto", messages: [{ role: "user", content }] },
    ...more,
  };
}
