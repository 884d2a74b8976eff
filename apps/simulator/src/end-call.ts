import { type ActiveCall, callerLeft } from "./active-call.ts";
import { isAnthropicPath, renderErrorAt } from "./anthropic-error.ts";
import type { ApiError } from "./api-error.ts";
import type { Simulator } from "./simulator.ts";

/** Ends a call once: gives back what it held and counts it. */
export function endCall(simulator: Simulator, call: ActiveCall, status: number): void {
  if (call.hasEnded) return;
  call.hasEnded = true;
  clearTimeout(call.timer);
  call.record.status = status;
  call.record.durationMs = Math.round(simulator.now() - call.arrivedAt);
  simulator.statistics.ended(status);
  for (const release of call.release) release(status);
}

/** Goes on after `delayMs`; at once, with no timer, if that rounds to 0. Not at all if the call ends before. */
export function after(simulator: Simulator, call: ActiveCall, delayMs: number, next: () => void): void {
  const wait = Math.min(Math.round(delayMs), 0x7fff_ffff);
  if (wait <= 0) {
    next();
    return;
  }
  watchCaller(simulator, call);
  call.timer = setTimeout(next, wait);
}

/** Ends the call when its caller goes away. */
export function watchCaller(simulator: Simulator, call: ActiveCall): void {
  if (call.isWatched) return;
  call.isWatched = true;
  call.response.once("close", () => endCall(simulator, call, callerLeft));
}

/** Sends a whole answer and ends the call. */
export function send(
  simulator: Simulator,
  call: ActiveCall,
  status: number,
  answer: { type: string; body: string | Buffer },
): void {
  const { response } = call;
  const length = String(Buffer.byteLength(answer.body));
  writeHead(simulator, call, status, ["content-type", answer.type, "content-length", length]);
  endCall(simulator, call, status);
  response.end(answer.body);
}

/** Sends an error in the envelope of the call's path and ends the call. */
export function sendError(simulator: Simulator, call: ActiveCall, error: ApiError): void {
  const body = renderErrorAt(call.record.path, error, call.id);
  send(simulator, call, error.status, { type: "application/json", body });
}

/** Sends the status and the headers that every answer has. */
export function writeHead(
  simulator: Simulator,
  call: ActiveCall,
  status: number,
  headers: readonly string[],
): void {
  const elapsed = String(Math.round(simulator.now() - call.arrivedAt));
  const own = isAnthropicPath(call.record.path)
    ? ["request-id", call.id]
    : ["x-request-id", call.id, "openai-processing-ms", elapsed];
  if (simulator.listener.isRefusing()) own.push("connection", "close");
  call.response.writeHead(status, [...headers, ...own, ...call.headers]);
}

/** Cuts the connection with a reset and ends the call. */
export function cut(simulator: Simulator, call: ActiveCall, status: number): void {
  endCall(simulator, call, status);
  call.response.socket?.resetAndDestroy();
}
