import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { renderError } from "@sluice/contracts";
import { SluiceError } from "@sluice/domain";

/** Statuses of what Node's HTTP server refuses, by its error's code; anything else is 400. */
const statuses: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
};

/**
 * Answers what is no HTTP request, or not in time, and ends its connection. It has no path, so the envelope is OpenAI's;
 * it has an id like every answer.
 */
export function refuseConnection(
  error: Error & { readonly code?: string },
  socket: Socket,
  id: string,
): void {
  if (error.code === "ECONNRESET" || socket.destroyed) return;
  const status = statuses[error.code ?? ""] ?? 400;
  const body = JSON.stringify(
    renderError(new SluiceError("invalid_request", "This is not a valid HTTP request.")),
  );
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`,
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${id}`,
    `request-id: ${id}`,
    "connection: close",
  ];
  if (socket.writable) socket.write(`${head.join("\r\n")}\r\n\r\n${body}`);
  socket.destroySoon();
}
