import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CliContext } from "./context.ts";

/** A request as the fake API received it. */
export interface Received {
  readonly method: string;
  /** Path with query. */
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** What it answers: a JSON value, or text as it is. */
export type Answer = { readonly status?: number; readonly json?: unknown; readonly text?: string };
type Route = Answer | ((received: Received) => Answer);

/** An API on a real socket that answers by `METHOD path`, and everything else with 404. */
export interface FakeApi {
  readonly url: string;
  readonly received: Received[];
  close(): Promise<void>;
}

/** Starts one. */
export async function startFakeApi(routes: Readonly<Record<string, Route>>): Promise<FakeApi> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    void answer(request, response, { routes, received });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { routes, received }: { routes: Readonly<Record<string, Route>>; received: Received[] },
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { method = "", url: path = "", headers } = request;
  const seen: Received = { method, path, headers, body: Buffer.concat(chunks).toString("utf8") };
  received.push(seen);
  const route = routes[`${method} ${path.split("?")[0]}`] ?? {
    status: 404,
    json: { error: { message: "No such thing." } },
  };
  const { status = 200, json, text } = typeof route === "function" ? route(seen) : route;
  response.writeHead(status).end(text ?? JSON.stringify(json));
}

/** A context that keeps what is written, with a scratch folder as the caller's. */
export interface TestContext extends CliContext {
  readonly folder: string;
  written(): { readonly out: string; readonly err: string };
  remove(): void;
}

/** Makes one; `env` has the scratch folder as data directory. */
export function testContext(env: Readonly<Record<string, string>> = {}): TestContext {
  const folder = mkdtempSync(join(tmpdir(), "sluice-cli-"));
  let out = "";
  let err = "";
  return {
    folder,
    env: { SLUICE_DATA_DIR: join(folder, "data"), ...env },
    callerDir: folder,
    out: { write: (text) => (out += text) },
    err: { write: (text) => (err += text) },
    signal: new AbortController().signal,
    setEnv: () => undefined,
    written: () => ({ out, err }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** A batch as the API answers it. */
export function batchJson(more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    id: "batch_1",
    object: "batch",
    status: "completed",
    endpoint: "/v1/chat/completions",
    completion_window: "24h",
    errors: null,
    output_file_id: null,
    error_file_id: null,
    created_at: 1_795_000_000,
    expires_at: 1_795_086_400,
    request_counts: { total: 0, completed: 0, failed: 0 },
    sla: "batch",
    priority: 0,
    cost_usd: 0,
    ...more,
  };
}

/** A job as the API answers it. */
export function jobJson(more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    id: "job_1",
    object: "job",
    status: "succeeded",
    model: "auto",
    endpoint: "/v1/chat/completions",
    sla: "standard",
    priority: 0,
    deadline: "2026-11-20T16:00:00.000Z",
    created_at: "2026-11-20T15:45:00.000Z",
    metadata: {},
    ...more,
  };
}
