import { errorCatalogue, type SluiceError } from "@sluice/domain";

/** OpenAI's error envelope. */
export function renderError(error: SluiceError): { error: Record<string, unknown> } {
  const { type } = errorCatalogue[error.code];
  return { error: { message: error.message, type, param: error.param ?? null, code: error.code } };
}
