const mask = "[redacted]";
const maxDepth = 6;
const maxItems = 20;
const maxTextLength = 1000;

/** Names (lower case, letters and digits only) whose text never leaves the process; also as an ending, as in `clientSecret`. */
const forbiddenName =
  /(?:authorization|apikey|adminkey|encryptionkey|secrets?|passwords?|cookies?|credentials?|body|messages?|inputs?|prompts?|results?|outputs?|contents?|completions?|payload|token|returnvalue)$/;

const credentials: readonly (readonly [RegExp, string])[] = [
  [/([a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi, `$1${mask}@`], // postgres://user:password@host
  [/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, `$1 ${mask}`],
  [/\b(?:whsec_|sk-)[\w+/=-]{8,}/g, mask],
];

/** Whether text under this name may be content or a secret. Numbers under such a name (`bodyBytes: 12`) are harmless. */
export function isForbiddenName(name: string): boolean {
  return forbiddenName.test(name.toLowerCase().replace(/[^a-z0-9]/g, ""));
}

/** Text as it may be logged: credentials of well-known shapes masked, and no longer than 1000 characters. */
export function redactText(text: string): string {
  const masked = credentials.reduce(
    (result, [pattern, by]) => result.replace(pattern, by),
    text.slice(0, 4 * maxTextLength),
  );
  return masked.length <= maxTextLength ? masked : `${masked.slice(0, maxTextLength)}…`;
}

/**
 * A copy of log fields without prompts, results and secrets, at any depth: by name, and for text by shape. Errors keep
 * type, code, message, stack and cause, but none of the properties libraries hang on them (response bodies, requests).
 */
export function redactFields(fields: Readonly<Record<string, unknown>>, depth = 0): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    copy[name] = carriesContent(value) && isForbiddenName(name) ? mask : redactValue(value, depth + 1);
  }
  return copy;
}

function carriesContent(value: unknown): boolean {
  return typeof value !== "number" && typeof value !== "boolean" && value !== null;
}

function redactValue(value: unknown, depth: number): unknown {
  if (typeof value === "string") return redactText(value);
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "function" || typeof value === "symbol") return `[${typeof value}]`;
  if (typeof value !== "object" || value === null) return value;
  if (depth >= maxDepth) return "[too deep]";
  if (value instanceof Error) return redactError(value, depth);
  if (Array.isArray(value)) return value.slice(0, maxItems).map((item) => redactValue(item, depth + 1));
  return redactObject(value, depth);
}

function redactObject(value: object, depth: number): unknown {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "[no date]" : value.toISOString();
  if (value instanceof URL) return redactText(value.origin + value.pathname);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return redactFields({ ...value }, depth);
  // A socket, a request, a map: nobody can say what hangs on it.
  return `[${value.constructor.name}]`;
}

function redactError(error: Error, depth: number): Record<string, unknown> {
  const code = "code" in error ? error.code : undefined;
  return {
    type: error.name,
    message: safeMessage(error),
    ...(typeof code === "string" || typeof code === "number" ? { code } : {}),
    stack: stackFrames(error),
    ...(error.cause === undefined ? {} : { cause: redactValue(error.cause, depth + 1) }),
    ...(error instanceof AggregateError ? { errors: redactValue(error.errors, depth + 1) } : {}),
  };
}

/** An error's message, unless it is of a kind that quotes its input: JSON.parse shows the text it failed on. */
function safeMessage(error: Error): string {
  return error instanceof SyntaxError ? "[withheld: it may quote its input]" : redactText(error.message);
}

/** Where an error was thrown, without its first lines, which repeat the message. */
export function stackFrames(error: { readonly stack?: string | undefined }): string {
  const frames = (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  return frames.slice(0, maxItems).join("\n");
}
