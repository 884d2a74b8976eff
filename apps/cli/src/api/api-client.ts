import { openAsBlob } from "node:fs";
import { basename } from "node:path";
import type { Readable } from "node:stream";
import { type Dispatcher, FormData, fetch, request } from "undici";
import { createKeyCalls, createTenantCalls, type KeyCalls, type TenantCalls } from "./access-calls.ts";
import { ApiError, UnreachableError } from "./api-error.ts";
import { batchViewOf, isMessageBatchId } from "./message-batch-view.ts";
import type {
  DeadLetterGroupView,
  DeadLetterView,
  LaneView,
  RedriveView,
  WindowView,
} from "./operating-views.ts";
import type { PoolView, TargetView } from "./pool-views.ts";
import { type JobEventView, readEvents } from "./read-events.ts";
import type { BatchView, FileView, JobView, ListView, RouteView } from "./views.ts";
import { createWebhookCalls, type WebhookCalls } from "./webhook-calls.ts";

/** Longer than the longest long poll. */
const answerMs = 90_000;

/** Where the API is, and the key to it. */
export interface ApiPlace {
  /** Such as `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly key: string;
}

/** What a batch can ask for. */
interface BatchWishes {
  readonly completion_window?: string | undefined;
  readonly sla?: string | undefined;
  readonly priority?: number | undefined;
  readonly webhook_url?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly max_spend_usd?: number | undefined;
  readonly stop_on_error_rate?: number | undefined;
}

/** Body of `POST /v1/batches` for the lines of a file. */
export interface NewBatch extends BatchWishes {
  readonly input_file_id: string;
  readonly endpoint: string;
  readonly completion_window: string;
  readonly resume_from?: string | undefined;
}

/** The same for the lines of an ended batch that did not succeed. */
interface NewRetry extends BatchWishes {
  readonly retry_of: string;
}

/** What the headers of `POST /v1/jobs/bulk` say of all lines. */
export type LineHeaders = Readonly<Record<string, string>>;

/** The API's calls; each throws {@link ApiError} or {@link UnreachableError}. */
export interface ApiClient {
  readonly url: string;
  /** Sends a body of `POST /v1/jobs` as it is. */
  submitJob(body: string | Buffer): Promise<JobView>;
  /** Streams lines to `POST /v1/jobs/bulk`; answers the stream of answers. */
  submitLines(content: Readable, options: { headers: LineHeaders; signal: AbortSignal }): Promise<Readable>;
  /** The changes of a job's state after the event `lastId`, until its end or the connection's. */
  followJob(
    id: string,
    options: { lastId?: string | undefined; signal: AbortSignal },
  ): AsyncIterable<JobEventView>;
  /** Reads a job's bytes; waits up to `waitSeconds` (at most 60) for its end. */
  readJob(id: string, options?: { waitSeconds?: number; signal?: AbortSignal }): Promise<Buffer>;
  /** Sends a body of `POST /v1/jobs` to be decided about only. */
  previewRoute(body: string | Buffer): Promise<RouteView>;
  /** The newest decision about a job. */
  readRoute(id: string): Promise<RouteView>;
  listPools(): Promise<{ readonly data: readonly PoolView[] }>;
  operateTarget(pool: string, target: string, operation: "pause" | "resume" | "drain"): Promise<TargetView>;
  /** Gives a target a weight; null takes it back. */
  weighTarget(pool: string, target: string, weight: number | null): Promise<TargetView>;
  /** Gives `to` a percentage of what both targets get. */
  shiftTraffic(
    pool: string,
    shift: { readonly from: string; readonly to: string; readonly percent: number },
  ): Promise<PoolView>;
  listJobs(query: Readonly<Record<string, string | undefined>>): Promise<ListView<JobView>>;
  cancel(id: string): Promise<JobView | BatchView>;
  listDeadLetters(query: Readonly<Record<string, string | undefined>>): Promise<ListView<DeadLetterView>>;
  groupDeadLetters(
    query: Readonly<Record<string, string | undefined>>,
  ): Promise<ListView<DeadLetterGroupView>>;
  /** Sends a body of `POST /v1/dead-letters/redrive`. */
  redrive(body: Readonly<Record<string, unknown>>): Promise<RedriveView>;
  /** Lanes, and the windows of candidate sets that have live jobs. */
  lanes(): Promise<ListView<LaneView> & { readonly windows: readonly WindowView[] }>;
  /** Uploads a file for a batch; it is streamed from the disk. */
  uploadBatchFile(path: string): Promise<FileView>;
  createBatch(batch: NewBatch | NewRetry): Promise<BatchView>;
  /** A batch, or a message batch in the same words. */
  readBatch(id: string): Promise<BatchView>;
  /** The results of an ended message batch, as JSONL. */
  openMessageResults(id: string): Promise<Readable>;
  /** A file's bytes as a stream. */
  openFile(id: string): Promise<Readable>;
  readonly webhooks: WebhookCalls;
  readonly keys: KeyCalls;
  readonly tenants: TenantCalls;
}

interface Call {
  readonly method?: Dispatcher.HttpMethod;
  readonly body?: string | Buffer | Readable;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

function messageBatchPath(id: string): string {
  return `/v1/messages/batches/${encodeURIComponent(id)}`;
}

/** Calls one API with one key. */
export function createApiClient(place: ApiPlace): ApiClient {
  const url = place.url.replace(/\/+$/, "");

  async function open(path: string, call: Call = {}): Promise<Dispatcher.ResponseData["body"]> {
    const { body, signal, method = body === undefined ? "GET" : "POST" } = call;
    const answer = await request(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${place.key}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...call.headers,
      },
      body: body ?? null,
      headersTimeout: answerMs,
      bodyTimeout: answerMs,
      ...(signal === undefined ? {} : { signal }),
    }).catch((error: unknown) => {
      throw signal?.aborted === true ? error : new UnreachableError(url, error);
    });
    if (answer.statusCode >= 400) throw new ApiError(answer.statusCode, await bytes(answer.body));
    return answer.body;
  }

  // By fetch: undici 8.12.4's request() never sends a FormData.
  async function upload(form: FormData): Promise<FileView> {
    const headers = { authorization: `Bearer ${place.key}` };
    const answer = await fetch(`${url}/v1/files`, { method: "POST", headers, body: form }).catch(
      (error: unknown) => {
        throw new UnreachableError(url, (error as { cause?: unknown }).cause ?? error);
      },
    );
    const told = Buffer.from(await answer.arrayBuffer());
    if (answer.status >= 400) throw new ApiError(answer.status, told);
    return JSON.parse(told.toString("utf8")) as FileView;
  }

  const bytes = async (body: Dispatcher.ResponseData["body"]): Promise<Buffer> =>
    Buffer.from(
      await body.arrayBuffer().catch((error: unknown) => {
        throw new UnreachableError(url, error);
      }),
    );
  const json = async <T>(path: string, call?: Call): Promise<T> =>
    JSON.parse((await bytes(await open(path, call))).toString("utf8")) as T;

  return {
    url,
    submitJob: (body) => json("/v1/jobs", { body }),
    submitLines: (content, { headers, signal }) => {
      const type = { "content-type": "application/x-ndjson" };
      return open("/v1/jobs/bulk", { body: content, headers: { ...headers, ...type }, signal });
    },
    async *followJob(id, { lastId, signal }) {
      const headers = lastId === undefined ? {} : { "last-event-id": lastId };
      yield* readEvents(await open(`/v1/jobs/${encodeURIComponent(id)}/events`, { headers, signal }));
    },
    readJob: async (id, { waitSeconds = 0, signal } = {}) =>
      bytes(
        await open(`/v1/jobs/${encodeURIComponent(id)}${waitSeconds > 0 ? `?wait=${waitSeconds}` : ""}`, {
          signal,
        }),
      ),
    previewRoute: (body) => json("/v1/route", { body }),
    readRoute: (id) => json(`/v1/jobs/${encodeURIComponent(id)}/route`),
    listPools: () => json("/v1/pools"),
    operateTarget: (pool, target, operation) =>
      json(`/v1/pools/${encodeURIComponent(pool)}/targets/${encodeURIComponent(target)}/${operation}`, {
        method: "POST",
      }),
    weighTarget: (pool, target, weight) =>
      json(`/v1/pools/${encodeURIComponent(pool)}/targets/${encodeURIComponent(target)}/weight`, {
        body: JSON.stringify({ weight }),
      }),
    shiftTraffic: (pool, shift) =>
      json(`/v1/pools/${encodeURIComponent(pool)}/shift`, { body: JSON.stringify(shift) }),
    listJobs: (query) => json(`/v1/jobs${queryString(query)}`),
    listDeadLetters: (query) => json(`/v1/dead-letters${queryString(query)}`),
    groupDeadLetters: (query) => json(`/v1/dead-letters${queryString({ ...query, group_by: "cause" })}`),
    redrive: (body) => json("/v1/dead-letters/redrive", { body: JSON.stringify(body) }),
    lanes: () => json("/v1/lanes"),
    async cancel(id) {
      const method = "POST";
      if (isMessageBatchId(id)) return batchViewOf(await json(`${messageBatchPath(id)}/cancel`, { method }));
      const kind = id.startsWith("batch_") ? "batches" : "jobs";
      return json(`/v1/${kind}/${encodeURIComponent(id)}/cancel`, { method });
    },
    uploadBatchFile: async (path) => {
      const form = new FormData();
      form.set("purpose", "batch");
      form.set("file", await openAsBlob(path), basename(path));
      return upload(form);
    },
    createBatch: (batch) => json("/v1/batches", { body: JSON.stringify(batch) }),
    readBatch: async (id) =>
      isMessageBatchId(id)
        ? batchViewOf(await json(messageBatchPath(id)))
        : json(`/v1/batches/${encodeURIComponent(id)}`),
    openMessageResults: (id) => open(`${messageBatchPath(id)}/results`),
    webhooks: createWebhookCalls(json, queryString),
    keys: createKeyCalls(json, queryString),
    tenants: createTenantCalls(json, queryString),
    openFile: (id) => open(`/v1/files/${encodeURIComponent(id)}/content`),
  };
}

/** Reads text over HTTP without a key: health and metrics of a role on this machine. Throws {@link UnreachableError}. */
export async function readLocal(url: string, timeoutMs = 3_000): Promise<{ status: number; text: string }> {
  try {
    const { statusCode, body } = await request(url, { headersTimeout: timeoutMs, bodyTimeout: timeoutMs });
    return { status: statusCode, text: await body.text() };
  } catch (error) {
    throw new UnreachableError(new URL(url).origin, error);
  }
}

function queryString(query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return given.length === 0 ? "" : `?${new URLSearchParams(given)}`;
}
