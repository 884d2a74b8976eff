import Anthropic0 from "anthropic-0";
import Anthropic1 from "anthropic-1";
import OpenAI from "openai";
import OpenAI6 from "openai-6";
import { adminKey } from "../../../e2e/kit/cluster.ts";
import { checkOpenaiAnswer } from "../../../kit/check-openai.ts";
import type { ClientCall } from "./calls.ts";

/** One generation of an official client, unmodified, with a record of the calls that it made and got a good answer to. */
export interface SdkClient<Sdk> {
  readonly sdk: Sdk;
  readonly isNewer: boolean;
  /** Tries after the first, of all calls so far. */
  readonly retries: () => number;
  /** The calls of an area's table that have not been made yet, as `call: METHOD /path`. */
  readonly missing: (calls: readonly ClientCall[]) => string[];
}

/** The name of each generation, for `describe.each`. */
export const openaiVersions = ["6.49", "7.55"] as const;
export const anthropicVersions = ["0.120", "1.10"] as const;

/** A client of OpenAI; every good JSON answer is held against OpenAI's own description. */
export function openaiClient(
  version: (typeof openaiVersions)[number],
  url: string,
  options: { readonly apiKey?: string; readonly maxRetries?: number } = {},
): SdkClient<OpenAI> {
  const record = createRecord();
  // The types differ in calls that only one of them has; both have those that they share.
  const Client = version === "7.55" ? OpenAI : (OpenAI6 as unknown as typeof OpenAI);
  const sdk = new Client({
    apiKey: options.apiKey ?? adminKey,
    baseURL: `${url}/v1`,
    maxRetries: options.maxRetries ?? 8,
    async fetch(input, init) {
      const response = await record.fetch(input, init);
      // A stream that is read twice ends only when both readers have done so.
      const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
      if (!isStream) await checkOpenaiAnswer(String(input), init?.method ?? "GET", response.clone());
      return response;
    },
  });
  return { sdk, ...record, isNewer: version === "7.55" };
}

/** A client of Anthropic. */
export function anthropicClient(
  version: (typeof anthropicVersions)[number],
  url: string,
  options: { readonly apiKey?: string; readonly maxRetries?: number } = {},
): SdkClient<Anthropic1> {
  const record = createRecord();
  const Client = version === "1.10" ? Anthropic1 : (Anthropic0 as unknown as typeof Anthropic1);
  const sdk = new Client({
    apiKey: options.apiKey ?? adminKey,
    baseURL: url,
    maxRetries: options.maxRetries ?? 8,
    fetch: record.fetch,
  });
  return { sdk, ...record, isNewer: version === "1.10" };
}

function createRecord() {
  const made: string[] = [];
  let retries = 0;
  return {
    retries: () => retries,
    async fetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
      const response = await fetch(input, init);
      const request = new Request(input, { method: init?.method ?? "GET", headers: init?.headers ?? {} });
      if (Number(request.headers.get("x-stainless-retry-count") ?? 0) > 0) retries += 1;
      if (response.ok) made.push(`${request.method.toUpperCase()} ${new URL(request.url).pathname}`);
      return response;
    },
    missing: (calls: readonly ClientCall[]) =>
      calls
        .filter(({ http }) => !made.some((one) => patternOf(http).test(one)))
        .map(({ call, http }) => `${call}: ${http}`),
  };
}

function patternOf(http: string): RegExp {
  return new RegExp(`^${http.replaceAll(/\{[a-z]+\}/g, "[^/]+")}$`);
}
