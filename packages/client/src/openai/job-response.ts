import type { SluiceApiError } from "../errors.ts";
import type { EndedJob, ErrorBody, UnansweredJob } from "../types.ts";

/** What the `openai` client makes its error classes of, where no upstream has answered. */
const statusOf: Readonly<Record<UnansweredJob["status"], number>> = {
  dead: 502,
  cancelled: 409,
  expired: 408,
};

/** An ended job as the answer to the call that it was made of: the upstream's own, or an error of ours. */
export function responseOfJob(job: EndedJob): Response {
  const headers = { "x-request-id": job.id, "x-sluice-job-id": job.id };
  if (job.status === "succeeded" || job.status === "failed") {
    const { status_code: status, body } = job.result;
    if (typeof body === "string") return answer(body, { status, headers, type: "text/plain" });
    return answer(JSON.stringify(body), { status, headers });
  }
  const { code = `job_${job.status}`, message = `The job is ${job.status}.` } = job.error ?? {};
  return errorResponse(
    statusOf[job.status],
    { message, type: `job_${job.status}`, param: null, code },
    headers,
  );
}

/** A refusal of Sluice as the client expects one. */
export function responseOfRefusal({ status, body, requestId, retryAfter }: SluiceApiError): Response {
  return answer(body, {
    status,
    headers: {
      ...(requestId === undefined ? {} : { "x-request-id": requestId }),
      ...(retryAfter === undefined ? {} : { "retry-after": String(retryAfter) }),
    },
  });
}

/** An error in OpenAI's envelope. */
export function errorResponse(
  status: number,
  error: ErrorBody,
  headers: Record<string, string> = {},
): Response {
  return answer(JSON.stringify({ error }), { status, headers });
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly type?: string;
}

function answer(body: string, { status, headers, type = "application/json" }: Answer): Response {
  // What could be tried again has been, under one idempotency key: the client would buy a second job.
  return new Response(body, {
    status,
    headers: { ...headers, "content-type": type, "x-should-retry": "false" },
  });
}
