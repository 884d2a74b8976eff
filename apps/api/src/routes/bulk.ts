import { tmpdir } from "node:os";
import { finished, PassThrough, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { bulkLineSchema } from "@sluice/contracts";
import { SluiceError } from "@sluice/domain";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ApiPorts } from "../api-ports.ts";
import { acceptLines } from "../bulk/accept-lines.ts";
import { createAnswerSpool } from "../bulk/answer-spool.ts";
import { headersOf } from "../hijacked.ts";
import { jobSourceOf } from "../job-request.ts";
import { idempotencyKeyOf } from "../tags.ts";
import { describe } from "./describe.ts";

const contentTypes = ["application/x-ndjson", "application/ndjson", "application/jsonl"];

/** `POST /v1/jobs/bulk`: jobs by the line, in and out. `closing` aborts when the server stops. */
export function bulkRoutes(server: FastifyInstance, ports: ApiPorts, closing: AbortSignal): void {
  void server.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    // The body is read by the handler, at its own pace.
    scope.addContentTypeParser(contentTypes, (_request, _payload, done) => done(null));
    scope.post(
      "/v1/jobs/bulk",
      {
        schema: {
          ...describe(
            "Jobs",
            "Accept any number of jobs, one per line of NDJSON; each is answered by a line",
            {
              body: bulkLineSchema,
            },
          ).schema,
          consumes: [...contentTypes],
        },
        bodyLimit: Number.MAX_SAFE_INTEGER,
      },
      (request, reply) => submitLines(ports, { request, reply, closing }),
    );
  });
}

interface BulkExchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly closing: AbortSignal;
}

/** How long the answers to what was read may take to go out when the server stops. */
const lastAnswersMs = 3_000;

async function submitLines(ports: ApiPorts, exchange: BulkExchange): Promise<void> {
  const { request, reply, closing } = exchange;
  const { "content-type": type, "content-encoding": encoding = "identity" } = request.headers;
  if (type === undefined || encoding !== "identity") {
    throw new SluiceError(
      "unsupported_media_type",
      `Send lines of JSON as ${contentTypes[0]}, not compressed.`,
    );
  }
  const source = jobSourceOf(ports, request);
  const key = idempotencyKeyOf(request);
  const spool = createAnswerSpool(tmpdir());
  reply.hijack();
  reply.raw.writeHead(200, { ...headersOf(reply), "content-type": "application/x-ndjson" });
  reply.raw.flushHeaders();
  const answered = pipeline(spool.stream, reply.raw);
  const forget = destroyLater(ports, exchange);
  const { acceptJob, logger } = ports;
  const parent = request.headers.traceparent;
  const accepted = ports.tracing.inSpan(
    "jobs.accept",
    { kind: "server", ...(typeof parent === "string" ? { parent } : {}) },
    () => {
      const call = { source, key, acceptJob, logger, traceparent: ports.tracing.currentTraceparent() };
      return acceptLines(call, untilClosing(request, closing), spool.write);
    },
  );
  // A client that goes away ends both; what it was promised until then stays.
  await accepted.catch((error: unknown) => {
    if (!closing.aborted) logger.debug({ requestId: request.id, err: error }, "a bulk call broke off");
  });
  await spool.end();
  await answered.catch(() => undefined);
  forget();
  if (!request.raw.complete) request.raw.destroy();
}

/** The bytes until the server stops: what was read by then is answered, and the client sees which lines are not. */
function untilClosing({ raw }: FastifyRequest, closing: AbortSignal): Readable {
  const content = new PassThrough();
  const stop = () => void content.destroy(new Error("the server stops"));
  closing.addEventListener("abort", stop);
  finished(raw, { writable: false }, (error) => {
    closing.removeEventListener("abort", stop);
    if (error) content.destroy(error);
  });
  raw.pipe(content);
  return content;
}

/** A client that does not read must not keep a server from stopping. */
function destroyLater({ clock }: ApiPorts, { reply, closing }: BulkExchange): () => void {
  const stop = () => void clock.setTimer(lastAnswersMs, () => reply.raw.destroy());
  closing.addEventListener("abort", stop);
  return () => closing.removeEventListener("abort", stop);
}
