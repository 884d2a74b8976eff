import { type BulkOptions, submitBulk } from "./bulk.ts";
import { type StreamOptions, streamEvents } from "./stream-events.ts";
import type { CallOptions, Transport } from "./transport.ts";
import type {
  BulkAnswer,
  BulkRequest,
  EndedJob,
  Feedback,
  FeedbackRequest,
  Job,
  JobEvent,
  JobFilter,
  JobRequest,
  ListedJob,
} from "./types.ts";
import type { Attempt, Route } from "./types-of-routes.ts";
import { type WaitAllOptions, type WaitOptions, waitForAll, waitForJob } from "./wait-for-job.ts";

/** A job, or its id. */
export type JobReference<Body = unknown> = string | Job<Body> | { readonly id: string };

/** Options of a submission. */
export interface SubmitOptions extends CallOptions {
  /** Made anew for each submission by default, and kept over its retries. */
  idempotencyKey?: string | undefined;
}

/** Options of {@link Jobs.run}: `timeoutMs` is for the wait. */
export interface RunOptions extends SubmitOptions, WaitOptions {}

interface Page {
  readonly data: readonly ListedJob[];
  readonly has_more: boolean;
  readonly last_id: string | null;
}

/** What can be done with jobs. */
export class Jobs {
  readonly #transport: Transport;

  /** Made by {@link Sluice}. */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Submits a job. When this resolves the job is durable: it will be brought to an end. Lost answers, 429 and 5xx are
   * tried again under the same idempotency key, so there is never a second job.
   */
  submit<Body = unknown>(
    request: JobRequest,
    { idempotencyKey = crypto.randomUUID(), signal }: SubmitOptions = {},
  ): Promise<Job<Body>> {
    return this.#transport.json({
      method: "POST",
      path: "/v1/jobs",
      body: JSON.stringify(request),
      headers: { "idempotency-key": idempotencyKey },
      signal,
    });
  }

  /** Reads a job as it is now. */
  get<Body = unknown>(job: JobReference<Body>, { signal }: CallOptions = {}): Promise<Job<Body>> {
    return this.#transport.json({ path: pathOf(job), signal });
  }

  /**
   * Waits until a job has ended, over restarts and outages of the API of up to ten minutes. Every ending resolves: look
   * at `status`, or use `resultOf`. Throws a `SluiceTimeoutError` after `timeoutMs`; the job goes on.
   */
  wait<Body = unknown>(job: JobReference<Body>, options: WaitOptions = {}): Promise<EndedJob<Body>> {
    return waitForJob(this.#transport, idOf(job), options);
  }

  /**
   * Waits for any number of jobs, at most `concurrency` of them at once, and gives each when it has ended. For a few
   * hundred and more; webhooks are better for what takes hours.
   */
  waitAll<Body = unknown>(
    jobs: Iterable<JobReference<Body>> | AsyncIterable<JobReference<Body>>,
    options: WaitAllOptions = {},
  ): AsyncGenerator<EndedJob<Body>, void, undefined> {
    return waitForAll(this.#transport, idsOf(jobs), options);
  }

  /** Submits a job and waits for its end. */
  async run<Body = unknown>(request: JobRequest, options: RunOptions = {}): Promise<EndedJob<Body>> {
    const { timeoutMs, signal } = options;
    return this.wait(await this.submit<Body>(request, options), { timeoutMs, signal });
  }

  /** All jobs that a filter lets through, page after page. */
  async *list(
    { status, metadata = {}, ...filter }: JobFilter = {},
    { signal }: CallOptions = {},
  ): AsyncGenerator<ListedJob, void, undefined> {
    const query = new URLSearchParams({ limit: "100" });
    if (status !== undefined) query.set("status", String(status));
    for (const [key, value] of Object.entries(metadata)) query.set(`metadata.${key}`, value);
    for (const [key, value] of Object.entries(filter)) if (value !== undefined) query.set(key, String(value));
    for (;;) {
      const page = await this.#transport.json<Page>({ path: `/v1/jobs?${query}`, signal });
      yield* page.data;
      if (!page.has_more || page.last_id === null) return;
      query.set("after", page.last_id);
    }
  }

  /** Ends a job. Again: the same answer. Throws (`already_ended`) when it has ended otherwise. */
  cancel(job: JobReference, { signal }: CallOptions = {}): Promise<EndedJob> {
    return this.#transport.json({ method: "POST", path: `${pathOf(job)}/cancel`, signal });
  }

  /** Every call that was made for a job. */
  async attempts(job: JobReference, { signal }: CallOptions = {}): Promise<Attempt[]> {
    const path = `${pathOf(job)}/attempts`;
    return (await this.#transport.json<{ data: Attempt[] }>({ path, signal })).data;
  }

  /** Why a job went where it went; before its first attempt, where it would go now. */
  route(job: JobReference, { signal }: CallOptions = {}): Promise<Route> {
    return this.#transport.json({ path: `${pathOf(job)}/route`, signal });
  }

  /** Where a request would go now. Nothing is submitted. */
  preview(request: JobRequest, { signal }: CallOptions = {}): Promise<Route> {
    return this.#transport.json({ method: "POST", path: "/v1/route", body: JSON.stringify(request), signal });
  }

  /** Says how good the result of an ended job is; the newest word counts. */
  feedback(job: JobReference, feedback: FeedbackRequest, { signal }: CallOptions = {}): Promise<Feedback> {
    const body = JSON.stringify(feedback);
    return this.#transport.json({ method: "POST", path: `${pathOf(job)}/feedback`, body, signal });
  }

  /**
   * The changes of a job's state, from its first to its last. A lost connection is taken up again where it broke: no
   * event is lost or comes twice.
   */
  stream(job: JobReference, options: StreamOptions = {}): AsyncGenerator<JobEvent, void, undefined> {
    return streamEvents(this.#transport, idOf(job), options);
  }

  /**
   * Submits any number of requests and answers each in their order: an id, or why it was refused. Requests are read
   * only as fast as they are accepted and their answers are taken. Throws when a call as a whole is refused (a wrong
   * key) or the API stays away; what was not answered until then may have been accepted: see `idempotencyKey`.
   */
  bulk(
    requests: Iterable<BulkRequest> | AsyncIterable<BulkRequest>,
    options: BulkOptions = {},
  ): AsyncGenerator<BulkAnswer, void, undefined> {
    return submitBulk(this.#transport, requests, options);
  }
}

async function* idsOf(jobs: Iterable<JobReference> | AsyncIterable<JobReference>) {
  for await (const job of jobs) yield idOf(job);
}

function idOf(job: JobReference): string {
  return typeof job === "string" ? job : job.id;
}

function pathOf(job: JobReference): string {
  return `/v1/jobs/${encodeURIComponent(idOf(job))}`;
}
