/** An answer with its body read. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; `undefined` when it is none. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape and compare what they find.
  readonly body: any;
}

/** Calls the API as any HTTP client would. */
export interface ApiCaller {
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  /** `body`: text and bytes go as they are, anything else as JSON. */
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Uploads a batch file of this text or of these bytes and answers its id. */
  upload(content: string | Buffer<ArrayBuffer>): Promise<string>;
}

/** Makes a caller with this key. */
export function createApiCaller({ url, key }: { url: string; key: string }): ApiCaller {
  const call = async (path: string, init: RequestInit): Promise<Answer> => {
    const headers = { authorization: `Bearer ${key}`, ...init.headers };
    const response = await fetch(`${url}${path}`, { ...init, headers });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: parse(text) };
  };
  return {
    get: (path, headers = {}) => call(path, { headers }),
    post(path, body, headers = {}) {
      if (body === undefined) return call(path, { method: "POST", headers });
      const isRaw = typeof body === "string" || body instanceof Uint8Array;
      const raw = isRaw ? (body as string | Uint8Array<ArrayBuffer>) : JSON.stringify(body);
      return call(path, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: raw,
      });
    },
    async upload(content) {
      const form = new FormData();
      form.append("purpose", "batch");
      form.append("file", new Blob([content]), "input.jsonl");
      const answer = await call("/v1/files", { method: "POST", body: form });
      if (answer.status !== 200) throw new Error(`the upload was answered ${answer.status}: ${answer.text}`);
      return String(answer.body.id);
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
