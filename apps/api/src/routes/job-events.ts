import { jobEventsQuerySchema, parseWith, renderJobEvent } from "@sluice/contracts";
import { isTerminal, type JobEvent, type JobId, jobEvents, SluiceError, type TenantId } from "@sluice/domain";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ApiPorts } from "../api-ports.ts";
import { headersOf } from "../hijacked.ts";
import { describe } from "./describe.ts";
import { type JobParams, requireJob } from "./jobs.ts";

/** Proxies cut connections that are silent for a minute. */
const heartbeatMs = 15_000;
/** What a client is told to wait before it comes back. */
const reconnectMs = 1_000;
/** After a fault of the ledger. */
const askAgainMs = 1_000;

/** `GET /v1/jobs/{id}/events`: the changes of a job's state as server-sent events, all of them read from the ledger. */
export function jobEventRoutes(server: FastifyInstance, ports: ApiPorts, closing: AbortSignal): void {
  server.get<JobParams>(
    "/v1/jobs/:id/events",
    describe("Jobs", "Follow the states of a job as server-sent events; resumed by Last-Event-ID", {
      query: jobEventsQuerySchema,
    }),
    async (request, reply) => {
      const after = lastSeen(request);
      const job = await requireJob(ports, request);
      const stream = { tenantId: job.tenantId, id: job.id, after };
      const events = await readEvents(ports, stream);
      // By this answer an EventSource learns that there is nothing to come back for.
      if (isOver(events) && unseen(events, after).length === 0) return reply.code(204).send();
      await follow(ports, { request, reply, closing }, stream);
    },
  );
}

interface EventStream {
  readonly tenantId: TenantId;
  readonly id: JobId;
  /** Number of the last event that the client has; -1 for none. */
  readonly after: number;
}

interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly closing: AbortSignal;
}

/** Writes events until the last one, the client's leaving or the server's end; then the client resumes elsewhere. */
async function follow(ports: ApiPorts, exchange: Exchange, stream: EventStream): Promise<void> {
  const { reply } = exchange;
  const signal = endOf(exchange);
  reply.hijack();
  reply.raw.writeHead(200, {
    ...headersOf(reply),
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    "x-accel-buffering": "no",
  });
  reply.raw.write(`retry: ${reconnectMs}\n\n`);
  const stopHeartbeat = keepAlive(ports, reply, signal);
  try {
    await writeEvents(ports, reply, { ...stream, signal });
  } finally {
    stopHeartbeat();
    reply.raw.end();
  }
}

async function writeEvents(
  ports: ApiPorts,
  reply: FastifyReply,
  { signal, ...stream }: EventStream & { readonly signal: AbortSignal },
): Promise<void> {
  let { after } = stream;
  while (!signal.aborted) {
    const events = await readEvents(ports, stream).catch(() => "unavailable" as const);
    if (events === "unavailable") {
      await pause(ports, askAgainMs, signal);
      continue;
    }
    for (const event of unseen(events, after)) {
      reply.raw.write(renderJobEvent(stream.id, event));
      after = event.number;
    }
    // Nothing is left of a job whose retention has ended.
    if (isOver(events) || events.length === 0) return;
    await ports.watcher.beyond(stream.id, after, signal);
  }
}

async function readEvents(
  { ledger }: Pick<ApiPorts, "ledger">,
  { tenantId, id }: Pick<EventStream, "tenantId" | "id">,
): Promise<JobEvent[]> {
  const history = await ledger.findHistory(tenantId, id);
  return history === undefined ? [] : jobEvents(history);
}

const unseen = (events: readonly JobEvent[], after: number) => events.filter(({ number }) => number > after);

function isOver(events: readonly JobEvent[]): boolean {
  const last = events.at(-1);
  return last !== undefined && isTerminal(last.state);
}

function lastSeen(request: FastifyRequest): number {
  const { after } = parseWith(jobEventsQuerySchema, request.query);
  const header = request.headers["last-event-id"];
  const told = typeof header === "string" && header !== "" ? header : after;
  if (told === undefined) return -1;
  if (/^\d{1,9}$/.test(told)) return Number(told);
  throw new SluiceError("invalid_value", "'Last-Event-ID' must be the id of an event of this job.", {
    param: told === after ? "after" : "Last-Event-ID",
  });
}

function endOf({ reply, closing }: Exchange): AbortSignal {
  const gone = new AbortController();
  reply.raw.once("close", () => gone.abort());
  return AbortSignal.any([gone.signal, closing]);
}

function keepAlive({ clock }: ApiPorts, reply: FastifyReply, signal: AbortSignal): () => void {
  let cancel = clock.setTimer(heartbeatMs, beat);
  function beat(): void {
    if (signal.aborted) return;
    // A client that does not read gets no more of them.
    if (!reply.raw.writableNeedDrain) reply.raw.write(": heartbeat\n\n");
    cancel = clock.setTimer(heartbeatMs, beat);
  }
  return () => cancel();
}

function pause({ clock }: ApiPorts, waitMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const cancel = clock.setTimer(waitMs, done);
    signal.addEventListener("abort", done);
  });
}
