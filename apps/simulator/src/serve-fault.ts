import { callerLeft, noStatus } from "./active-call.ts";
import { isAnthropicPath, renderErrorAt } from "./anthropic-error.ts";
import { after, cut, endCall, send, sendError, watchCaller, writeHead } from "./end-call.ts";
import { faultError } from "./fault-errors.ts";
import type { Fault } from "./fault-spec.ts";
import { totalMs } from "./latency.ts";
import { eventStreamType, jsonType, type Serving, serveWhole } from "./serve-answer.ts";

/** How long nothing listens after `refuse`, unless told. */
const defaultRefuseMs = 5000;
/** Time between two bytes of `slow-drip`, unless told. */
const defaultDripMs = 1000;

/** True for a fault that makes no output: it is charged its prompt only, answers at once and takes no slot. */
export function makesNoOutput({ name }: Fault): boolean {
  return name === "status" || name === "error-200" || name === "reset" || name === "refuse";
}

/** Does to a call what the fault says. */
export function serveFault(serving: Serving, fault: Fault): void {
  const { simulator, call } = serving;
  switch (fault.name) {
    case "status":
      sendStatus(serving, fault);
      return;
    case "error-200":
      sendErrorWithStatus200(serving);
      return;
    case "hang":
      hang(serving, fault);
      return;
    case "reset":
      cut(simulator, call, noStatus);
      return;
    case "refuse":
      simulator.listener.refuse(fault.durationMs ?? defaultRefuseMs);
      cut(simulator, call, noStatus);
      return;
    case "no-stream":
      serveWhole(serving);
      return;
    case "slow-drip":
    case "reset-mid-body":
    case "hang-mid-body":
    case "truncated-json":
    case "wrong-content-type":
      after(simulator, call, totalMs(serving.latency, serving.plan.outputTokens), () =>
        spoilBody(serving, fault),
      );
      return;
  }
}

function sendStatus({ simulator, call }: Serving, { status = 500, retryAfter }: Fault): void {
  const wait = retryAfter ?? (status === 429 ? "1" : undefined);
  if (wait !== undefined) call.headers = [...call.headers, "retry-after", wait];
  sendError(simulator, call, faultError(status));
}

function sendErrorWithStatus200({ simulator, call, plan }: Serving): void {
  const body = renderErrorAt(call.record.path, faultError(500), call.id);
  const name = isAnthropicPath(call.record.path) ? "event: error\n" : "";
  const answer =
    plan.renderStream === undefined
      ? { type: jsonType, body }
      : { type: eventStreamType, body: `${name}data: ${body}\n\n` };
  send(simulator, call, 200, answer);
}

function hang({ simulator, call }: Serving, { durationMs }: Fault): void {
  watchCaller(simulator, call);
  if (durationMs !== undefined) after(simulator, call, durationMs, () => cut(simulator, call, noStatus));
}

function spoilBody(serving: Serving, fault: Fault): void {
  const { simulator, call } = serving;
  const { type, body } = renderAnswer(serving);
  const bytes = Buffer.from(body);
  const half = bytes.subarray(0, bytes.length >> 1);
  if (fault.name === "wrong-content-type") {
    send(simulator, call, 200, { type: "text/plain; charset=utf-8", body });
    return;
  }
  if (fault.name === "truncated-json") {
    send(simulator, call, 200, { type, body: half });
    return;
  }
  // A stream says beforehand neither how long it is nor, so, that half of it is missing.
  const length = type === jsonType ? ["content-length", String(bytes.length)] : [];
  writeHead(simulator, call, 200, ["content-type", type, ...length]);
  if (fault.name === "slow-drip") {
    drip(serving, bytes, fault.durationMs ?? defaultDripMs);
    return;
  }
  watchCaller(simulator, call);
  call.response.write(half, () => {
    if (fault.name === "reset-mid-body") cut(simulator, call, 200);
    else if (fault.durationMs !== undefined)
      after(simulator, call, fault.durationMs, () => cut(simulator, call, 200));
  });
}

function renderAnswer({ plan, frame }: Serving): { type: string; body: string } {
  if (plan.renderStream === undefined) return { type: jsonType, body: plan.render(frame) };
  const { head, steps, tail } = plan.renderStream(frame);
  return { type: eventStreamType, body: head + steps.join("") + tail };
}

function drip({ simulator, call }: Serving, bytes: Buffer, everyMs: number): void {
  watchCaller(simulator, call);
  let sent = 0;
  const next = (): void => {
    if (call.hasEnded) return;
    sent += 1;
    if (sent < bytes.length) {
      call.response.write(bytes.subarray(sent - 1, sent));
      call.timer = setTimeout(next, everyMs);
      return;
    }
    endCall(simulator, call, call.response.destroyed ? callerLeft : 200);
    call.response.end(bytes.subarray(sent - 1));
  };
  next();
}
