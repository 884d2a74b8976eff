/** The part of a provider's configuration that a call needs. */
export interface ProviderSettings {
  readonly kind: "openai" | "anthropic" | "simulator";
  /** Absent for simulators: where one listens is known only at run time. */
  readonly baseUrl?: string;
  /** A secret: goes into a request header and nowhere else. */
  readonly apiKey?: string;
}

export type Providers = Readonly<Record<string, ProviderSettings>>;

/** Where one endpoint of a provider is called. */
export interface ProviderAddress {
  readonly origin: string;
  readonly path: string;
  readonly credentials: Readonly<Record<string, string>>;
}

/** The version of Anthropic's API that every call states; they ask for one. */
const anthropicVersion = "2023-06-01";

/** Where and with what credential to call; `undefined` when the provider is unknown or its simulator does not run. */
export function addressOf(input: {
  readonly provider: string;
  readonly providers: Providers;
  /** Base URLs of simulators by provider name. */
  readonly simulators: Readonly<Record<string, string>>;
  /** Path such as `/v1/chat/completions`. */
  readonly endpoint: string;
}): ProviderAddress | undefined {
  const settings = input.providers[input.provider];
  const base = settings?.kind === "simulator" ? input.simulators[input.provider] : settings?.baseUrl;
  if (settings === undefined || base === undefined) return undefined;
  const url = new URL(base);
  const prefix = url.pathname.replace(/\/+$/, "");
  return {
    origin: url.origin,
    path: prefix + endpointBelow(settings.kind, prefix, input.endpoint),
    credentials: credentialsOf(settings),
  };
}

/** An OpenAI-compatible base URL already ends where the endpoints' `/v1` is, whatever it is called there. */
function endpointBelow(kind: ProviderSettings["kind"], prefix: string, endpoint: string): string {
  const withoutVersion = kind === "openai" || prefix.endsWith("/v1");
  return withoutVersion ? endpoint.replace(/^\/v1(?=\/)/, "") : endpoint;
}

function credentialsOf({ kind, apiKey }: ProviderSettings): Record<string, string> {
  if (kind === "anthropic") {
    return {
      "anthropic-version": anthropicVersion,
      ...(apiKey === undefined ? {} : { "x-api-key": apiKey }),
    };
  }
  return apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
}
