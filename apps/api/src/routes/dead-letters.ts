import {
  deadLetterListQuerySchema,
  failureLineBytes,
  parseWith,
  redriveRequestSchema,
  renderDeadLetter,
  renderDeadLetterGroup,
  renderList,
  routingWishes,
} from "@sluice/contracts";
import { type DeadLetterFilter, isId, type JobId, parseBatchId, SluiceError } from "@sluice/domain";
import { forecastRedrive, parseMoment, redriveDeadLetters } from "@sluice/engine";
import { parseDuration } from "@sluice/scheduling";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ApiPorts } from "../api-ports.ts";
import { callerOf } from "../authenticate.ts";
import { checkCursor } from "../cursor.ts";
import { jsonBody } from "../json-body.ts";
import { describe } from "./describe.ts";

/** `/v1/dead-letters`: why jobs died, and how they get another try. */
export function deadLetterRoutes(server: FastifyInstance, ports: ApiPorts): void {
  server.get(
    "/v1/dead-letters",
    describe("Dead letters", "List dead jobs that have not been redriven, or group them by cause", {
      query: deadLetterListQuerySchema,
    }),
    (request) => list(ports, request),
  );
  server.post(
    "/v1/dead-letters/redrive",
    describe("Dead letters", "Make new jobs of dead ones; dry_run only counts", {
      body: redriveRequestSchema,
    }),
    (request) => redrive(ports, request),
  );
}

const mostGroups = 1000;

async function list(ports: ApiPorts, request: FastifyRequest): Promise<unknown> {
  const query = parseWith(deadLetterListQuerySchema, request.query);
  checkCursor("job", query.after);
  const { tenantId } = callerOf(request);
  const filter = filterOf(query, "", ports.clock.now());
  if (query.group_by !== undefined) {
    const groups = await ports.ledger.groupDeadLetters(tenantId, filter);
    return { object: "list", data: groups.map(renderDeadLetterGroup), has_more: groups.length >= mostGroups };
  }
  const page = { after: query.after, limit: query.limit + 1, order: query.order };
  const letters = await ports.ledger.listDeadLetters(tenantId, filter, page);
  return renderList(letters.map(renderDeadLetter), query.limit);
}

async function redrive(ports: ApiPorts, request: FastifyRequest): Promise<unknown> {
  const asked = parseWith(redriveRequestSchema, jsonBody(request).value);
  const wanted = {
    tenantId: callerOf(request).tenantId,
    filter: filterOf(asked.filter, "filter.", ports.clock.now()),
    routing: routingWishes(asked.routing),
    deadline: asked.deadline,
  };
  const redriving = { ...ports, failureLineBytes };
  if (asked.dry_run === true) {
    const { count, skipped, inputTokens, outputTokens, costUsd } = await forecastRedrive(redriving, wanted);
    const tokens = { input: inputTokens, output: outputTokens, total: inputTokens + outputTokens };
    return { object: "redrive", dry_run: true, count, skipped, tokens, cost_usd: costUsd };
  }
  return { object: "redrive", dry_run: false, ...(await redriveDeadLetters(redriving, wanted)) };
}

interface AskedFilter {
  readonly ids?: readonly string[] | undefined;
  readonly model?: string | undefined;
  readonly batch_id?: string | undefined;
  readonly cause?: string | undefined;
  readonly since?: string | undefined;
}

/** `path` stands before the names of fields in errors. */
function filterOf(
  { ids, model, batch_id, cause, since }: AskedFilter,
  path: string,
  now: number,
): DeadLetterFilter {
  const batchId = batch_id === undefined ? undefined : parseBatchId(batch_id);
  if (batch_id !== undefined && batchId === undefined)
    throw notValid(`${path}batch_id`, "is not the id of a batch");
  return {
    ...(ids === undefined ? {} : { ids: ids.map((id, index) => jobIdOf(id, `${path}ids[${index}]`)) }),
    ...(model === undefined ? {} : { model }),
    ...(batchId === undefined ? {} : { batchId }),
    ...(cause === undefined ? {} : { cause }),
    ...(since === undefined ? {} : { since: momentOf(since, `${path}since`, now) }),
  };
}

function jobIdOf(id: string, param: string): JobId {
  if (isId("job", id)) return id;
  throw notValid(param, "is not the id of a job");
}

function momentOf(text: string, param: string, now: number): number {
  const back = parseDuration(text);
  const at = back === undefined ? parseMoment(text) : now - back;
  if (at !== undefined && Math.abs(at) <= latestMoment) return at;
  throw notValid(param, "must be an RFC 3339 time, or a duration such as 24h back from now");
}

/** Beyond this, dates no longer fit where they are kept. */
const latestMoment = Date.UTC(9999, 11, 31);

function notValid(param: string, what: string): SluiceError {
  return new SluiceError("invalid_value", `'${param}' ${what}.`, { param });
}
