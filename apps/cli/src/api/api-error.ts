import { CliError } from "../context.ts";

/** What an API answered with a status of 400 or more. */
export class ApiError extends CliError {
  readonly status: number;
  readonly code: string | undefined;
  readonly param: string | undefined;
  constructor(status: number, body: Buffer) {
    const { message, code, param } = readEnvelope(body);
    super(sentence({ status, message, param }));
    this.status = status;
    this.code = code;
    this.param = param;
  }
}

/** The API could not be reached, or did not answer in time. */
export class UnreachableError extends CliError {
  constructor(url: string, cause: unknown) {
    super(
      `${url} cannot be reached (${reasonOf(cause)}); start the cluster with npm start, or set SLUICE_URL.`,
      1,
      cause,
    );
  }
}

interface Envelope {
  readonly message?: string | undefined;
  readonly code?: string | undefined;
  readonly param?: string | undefined;
}

function readEnvelope(body: Buffer): Envelope {
  try {
    const parsed = JSON.parse(body.toString("utf8")) as { error?: Record<string, unknown> };
    const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);
    const { message, code, param } = parsed.error ?? {};
    return { message: text(message), code: text(code), param: text(param) };
  } catch {
    return {};
  }
}

function sentence({ status, message, param }: Envelope & { status: number }): string {
  const hint = status === 401 ? " Set SLUICE_API_KEY to a key of this cluster." : "";
  const told = message ?? `The API answered ${status}.`;
  const names = param === undefined || told.includes(param) ? "" : ` (${param})`;
  return `${told}${names}${hint}`;
}

function reasonOf(cause: unknown): string {
  const { code, message } = (cause ?? {}) as { code?: string; message?: string };
  if (code === "ECONNREFUSED") return "nothing listens there";
  if (code === "ENOTFOUND") return "there is no such host";
  return code ?? message ?? "unknown reason";
}
