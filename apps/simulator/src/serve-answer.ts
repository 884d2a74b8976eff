import type { ActiveCall } from "./active-call.ts";
import { after, endCall, send, watchCaller, writeHead } from "./end-call.ts";
import type { Frame, Plan, StreamedAnswer } from "./endpoints/plan.ts";
import { type Latency, totalMs } from "./latency.ts";
import type { Simulator } from "./simulator.ts";

/** A call with all that its answer is made of. */
export interface Serving {
  readonly simulator: Simulator;
  readonly call: ActiveCall;
  readonly plan: Plan;
  readonly frame: Frame;
  readonly latency: Latency;
}

export const jsonType = "application/json";
export const eventStreamType = "text/event-stream; charset=utf-8";

/** Tokens due within this time are written together: a timer for each token would cost more than the answer. */
const tickMs = 10;

/** Answers as the request asked: in one piece, or token by token. */
export function serveAnswer(serving: Serving): void {
  if (serving.plan.renderStream === undefined) {
    serveWhole(serving);
    return;
  }
  const { simulator, call, latency, frame } = serving;
  const answer = serving.plan.renderStream(frame);
  after(simulator, call, latency.firstTokenMs, () => {
    writeHead(simulator, call, 200, ["content-type", eventStreamType, "cache-control", "no-cache"]);
    writeSteps(serving, answer, simulator.now());
  });
}

/** Answers in one piece, when its last token is due. */
export function serveWhole({ simulator, call, plan, frame, latency }: Serving): void {
  after(simulator, call, totalMs(latency, plan.outputTokens), () => {
    send(simulator, call, 200, { type: jsonType, body: plan.render(frame) });
  });
}

function writeSteps({ simulator, call, latency }: Serving, answer: StreamedAnswer, startedAt: number): void {
  const { steps } = answer;
  const finish = (text: string): void => {
    endCall(simulator, call, 200);
    call.response.end(text);
  };
  if (latency.perTokenMs === 0) {
    finish(answer.head + steps.join("") + answer.tail);
    return;
  }
  watchCaller(simulator, call);
  let written = 0;
  let pending = answer.head;
  const tick = (): void => {
    const due = Math.floor((simulator.now() - startedAt) / latency.perTokenMs) + 1;
    pending += steps.slice(written, due).join("");
    written = Math.min(due, steps.length);
    if (written >= steps.length) {
      finish(pending + answer.tail);
      return;
    }
    call.response.write(pending);
    pending = "";
    call.timer = setTimeout(tick, Math.max(tickMs, latency.perTokenMs));
  };
  tick();
}
