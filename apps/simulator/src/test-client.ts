import { Agent, type IncomingHttpHeaders, request } from "node:http";

/** What a client saw of one exchange; `error` is set when the connection failed before the body was complete. */
export interface Seen {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly error: string | undefined;
}

/** A real HTTP client for the tests beside the code. */
export interface TestClient {
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Seen>;
  get(path: string): Promise<Seen>;
  /** Sends a request, tells when the server has it, and lets the test hang up. */
  open(
    path: string,
    body: unknown,
    headers?: Record<string, string>,
  ): { readonly done: Promise<Seen>; abort(): void };
  close(): void;
}

export function createTestClient(baseUrl: string): TestClient {
  const agent = new Agent({ keepAlive: true });
  const open: TestClient["open"] = (path, body, headers = {}) => {
    const text = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body);
    const outgoing = request(new URL(path, baseUrl), {
      agent,
      method: text === undefined ? "GET" : "POST",
      headers,
    });
    const done = new Promise<Seen>((resolve) => {
      outgoing.on("error", (error) =>
        resolve({ status: undefined, headers: {}, body: "", error: nameOf(error) }),
      );
      outgoing.on("response", (response) => {
        const chunks: Buffer[] = [];
        const seen = (error?: string): void =>
          resolve({
            status: response.statusCode,
            headers: response.headers,
            body: Buffer.concat(chunks).toString(),
            error,
          });
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => seen());
        response.on("error", (error) => seen(nameOf(error)));
      });
    });
    outgoing.end(text);
    return { done, abort: () => outgoing.destroy() };
  };
  return {
    open,
    post: (path, body, headers) => open(path, body, headers).done,
    get: (path) => open(path, undefined).done,
    close: () => agent.destroy(),
  };
}

/** A chat request with one user message. */
export function chat(content: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return { model: "test-model", messages: [{ role: "user", content }], ...more };
}

function nameOf(error: Error & { code?: string }): string {
  return error.code ?? error.message;
}
