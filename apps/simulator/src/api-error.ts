/** An answer other than success, in OpenAI's words. */
export interface ApiError {
  readonly kind: "error";
  readonly status: number;
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
  readonly code: string | null;
}

type Details = Partial<Pick<ApiError, "type" | "param" | "code">>;

/** Makes an error; type is `invalid_request_error` unless told. */
export function apiError(status: number, message: string, details: Details = {}): ApiError {
  return {
    kind: "error",
    status,
    message,
    type: "invalid_request_error",
    param: null,
    code: null,
    ...details,
  };
}

/** OpenAI's error envelope as JSON. */
export function renderError({ message, type, param, code }: ApiError): string {
  return JSON.stringify({ error: { message, type, param, code } });
}
