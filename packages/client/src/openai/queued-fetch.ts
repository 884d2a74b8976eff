import { SluiceApiError } from "../errors.ts";
import { Sluice } from "../sluice.ts";
import type { JobOptions, JobRequest } from "../types.ts";
import { jobOptionsOf } from "./as-job.ts";
import { errorResponse, responseOfJob, responseOfRefusal } from "./job-response.ts";

/** What all calls say of their jobs, and where these go. */
export interface QueuedOptions extends JobOptions {
  /** Made from the environment by default. */
  sluice?: Sluice | undefined;
}

const queuedPaths = /\/v1\/(?:chat\/completions|completions|responses|embeddings|moderations)$/;

/**
 * A `fetch` that makes a job of each create call and answers with its result. `queued` gives it to a client; give it
 * to one of your own with `maxRetries: 0` and a long `timeout`, because a call that the client repeats by itself is a
 * second job. What is no create call goes out as it is.
 */
export function queuedFetch({ sluice = new Sluice(), ...defaults }: QueuedOptions = {}): typeof fetch {
  return async (input, init) => {
    const path = queuedPaths.exec(pathOf(input))?.[0];
    if (path === undefined || init?.method !== "POST" || typeof init.body !== "string")
      return fetch(input, init);
    const headers = new Headers(init.headers);
    const body = JSON.parse(init.body) as Readonly<Record<string, unknown>>;
    const refused = ["stream", "background"].find((field) => body[field] === true);
    if (refused !== undefined) return refuse(refused);
    const request = { endpoint: path, body, ...defaults, ...jobOptionsOf(headers) };
    const idempotencyKey = headers.get("idempotency-key") ?? undefined;
    return runJob(sluice, request, { idempotencyKey, signal: init.signal ?? undefined });
  };
}

function pathOf(input: Parameters<typeof fetch>[0]): string {
  return new URL(input instanceof Request ? input.url : input).pathname;
}

interface CallOfClient {
  readonly idempotencyKey: string | undefined;
  readonly signal: AbortSignal | undefined;
}

async function runJob(
  { jobs }: Sluice,
  request: JobRequest,
  { idempotencyKey, signal }: CallOfClient,
): Promise<Response> {
  try {
    const job = await jobs.submit(request, { idempotencyKey, signal });
    try {
      return responseOfJob(await jobs.wait(job, { signal }));
    } catch (error) {
      // The caller has let go and knows no id to come back with.
      if (signal?.aborted) void jobs.cancel(job).catch(() => undefined);
      throw error;
    }
  } catch (error) {
    if (error instanceof SluiceApiError) return responseOfRefusal(error);
    throw error;
  }
}

function refuse(param: string): Response {
  const message = `A queued call has one answer, so '${param}' cannot be true: call it on a plain client with Sluice as its baseURL.`;
  return errorResponse(400, { message, type: "invalid_request_error", param, code: "unsupported_value" });
}
