import type { CallPlan, Refusal as DialectRefusal } from "@sluice/dialects";
import {
  type BatchLine,
  type EngineConfig,
  type JobId,
  type JobSpec,
  type Metadata,
  type ModelAlias,
  type OnAmbiguous,
  type Payload,
  type ResponseId,
  type ResponseKind,
  type RouteRequest,
  type RoutingWishes,
  type SlaClass,
  SluiceError,
  type Target,
  type TenantId,
  type WebhookPayload,
} from "@sluice/domain";
import { callPlanOf, candidateSetId, candidateTargets, reachablePools } from "@sluice/routing";
import { chargedTokens, effectiveDeadlineAt, parseDuration } from "@sluice/scheduling";
import { budgetsOf, type Payers } from "./budgets.ts";
import { lookUp } from "./look-up.ts";
import { tenantConfig } from "./tenant-config.ts";

/** What an accepted request says about one job, before the configuration is applied. */
export interface JobRequestFields {
  readonly tenantId: TenantId;
  readonly endpoint: string;
  readonly model: string;
  readonly inputTokens: number;
  readonly maxOutputTokens: number | undefined;
  readonly capabilities: readonly string[];
  readonly sla?: string | undefined;
  /** A duration from acceptance (`15m`) or a moment (RFC 3339). */
  readonly deadline?: string | undefined;
  readonly priority?: number | undefined;
  readonly webhookUrl?: string | undefined;
  readonly webhookPayload?: WebhookPayload | undefined;
  readonly metadata?: Metadata | undefined;
  readonly routing?: RoutingWishes | undefined;
  readonly maxAttempts?: number | undefined;
  readonly onAmbiguous?: OnAmbiguous | undefined;
  readonly traceparent?: string | undefined;
  readonly batchLine?: BatchLine | undefined;
  readonly response?: ResponseKind | undefined;
  readonly previousResponse?: ResponseId | undefined;
  /** The API key that the request came with. */
  readonly keyId?: string | undefined;
  /** What that key may spend a day, where that is not left to the configuration. */
  readonly keyUsdPerDay?: number | undefined;
  /** The parsed request, for rules that read it. */
  readonly parsedBody?: RouteRequest["body"];
  /** Its client follows the answer while it comes. */
  readonly streamed?: boolean;
}

/** Beyond this, dates no longer fit where they are kept and shown. */
export const longestDeadlineMs = 10 * 366 * 86_400_000;

/** Builds the job that the ledger keeps. Throws {@link SluiceError} naming the field at fault. */
export function specJob(
  fields: JobRequestFields,
  config: EngineConfig,
  made: { readonly id: JobId; readonly body: Payload; readonly now: number },
): JobSpec {
  requireServed(config, fields);
  const sla = slaClass(config, fields.sla);
  const priority = checkedPriority(config, fields);
  const deadlineAt = readDeadline(fields.deadline, made.now) ?? made.now + sla.deadlineMs;
  return {
    id: made.id,
    tenantId: fields.tenantId,
    model: fields.model,
    endpoint: fields.endpoint,
    sla: sla.name,
    priority,
    acceptedAt: made.now,
    deadlineAt,
    effectiveDeadlineAt: effectiveDeadlineAt({ acceptedAt: made.now, deadlineAt, priority }),
    onMiss: sla.onMiss,
    onAmbiguous: fields.onAmbiguous ?? sla.onAmbiguous,
    maxAttempts: fields.maxAttempts ?? config.retry.maxAttempts,
    body: made.body,
    inputTokens: fields.inputTokens,
    maxOutputTokens: fields.maxOutputTokens,
    capabilities: fields.capabilities,
    metadata: fields.metadata ?? {},
    routing: fields.routing ?? {},
    webhookUrl: fields.webhookUrl,
    webhookPayload: fields.webhookPayload,
    traceparent: fields.traceparent,
    batchLine: fields.batchLine,
    response: fields.response,
    previousResponse: fields.previousResponse,
    candidateSet: candidateSetOf(config, { ...fields, sla: sla.name, priority, deadlineAt }, made),
    tokens: chargedTokens(fields),
    keyId: fields.keyId,
    estimate: undefined,
    ...(fields.streamed === true ? { streamed: true } : {}),
  };
}

/** What the set of a job's candidates depends on. */
export type CandidateTerms = Pick<
  JobRequestFields,
  | "tenantId"
  | "endpoint"
  | "model"
  | "inputTokens"
  | "maxOutputTokens"
  | "capabilities"
  | "metadata"
  | "routing"
  | "parsedBody"
> &
  Payers & { readonly sla: string; readonly priority: number; readonly deadlineAt: number };

/**
 * Names the targets that could serve a job as it is accepted, and the budgets that may hold it back beside them: what
 * waits for the money of its key or batch then fills only a window of its own.
 */
export function candidateSetOf(
  config: EngineConfig,
  terms: CandidateTerms,
  made: { readonly id: JobId; readonly now: number },
): string {
  const request: RouteRequest = {
    jobId: made.id,
    endpoint: terms.endpoint,
    model: terms.model,
    tenant: terms.tenantId,
    inputTokens: terms.inputTokens,
    maxOutputTokens: terms.maxOutputTokens,
    capabilities: terms.capabilities,
    wishes: terms.routing ?? {},
    sla: terms.sla,
    priority: terms.priority,
    metadata: terms.metadata ?? {},
    attempt: 1,
    deadlineAt: terms.deadlineAt,
    body: terms.parsedBody,
    failedTargets: [],
  };
  const budgets = budgetsOf(config, terms).map(({ key }) => key);
  return candidateSetId(candidateTargets(request, config, made.now), budgets);
}

/**
 * Checks that `model` is an alias one of whose targets serves `endpoint`, or serves another one into whose dialect the
 * request can be translated.
 */
export function requireServed(
  config: EngineConfig,
  { model, endpoint, parsedBody: body }: Pick<JobRequestFields, "model" | "endpoint" | "parsedBody">,
): void {
  const alias = lookUp(config.models, model);
  if (alias === undefined) {
    const known = Object.keys(config.models).join(", ");
    throw new SluiceError("unknown_model", `The model is not known here. Known models: ${known}.`, {
      param: "body.model",
    });
  }
  let refused: (CallPlan & { readonly kind: "refused" }) | undefined;
  for (const target of targetsOf(config, alias)) {
    const plan = callPlanOf({ endpoint, body }, target);
    if (plan.kind === "native" || plan.kind === "translated") return;
    if (plan.kind === "refused") refused ??= plan;
  }
  if (refused !== undefined) throw untranslatable(alias, endpoint, refused);
  throw new SluiceError("unsupported_endpoint", `No target of model '${alias.name}' serves this endpoint.`, {
    param: "endpoint",
  });
}

function untranslatable(
  { name }: ModelAlias,
  endpoint: string,
  { field, reason }: DialectRefusal,
): SluiceError {
  const message = `No target of model '${name}' serves ${endpoint} itself, and '${field}' ${reason}.`;
  return new SluiceError("untranslatable_request", message, { param: `body.${field}` });
}

/** All targets that an alias may use: of its pools, of those of its rules, of its fallbacks. */
export function targetsOf(config: EngineConfig, alias: ModelAlias): Target[] {
  return reachablePools(alias).flatMap((pool) => config.pools[pool]?.targets ?? []);
}

/** The SLA class of this name, or the default one. */
export function slaClass(config: EngineConfig, name: string | undefined): SlaClass {
  const classes = Object.values(config.slaClasses);
  const found = classes.find((sla) => (name === undefined ? sla.isDefault : sla.name === name));
  if (found !== undefined) return found;
  const known = classes.map((sla) => sla.name).join(", ");
  throw new SluiceError("invalid_value", `'sla' must be one of: ${known}.`, { param: "sla" });
}

/** The priority, if the tenant may use it. */
export function checkedPriority(
  config: EngineConfig,
  fields: Pick<JobRequestFields, "tenantId" | "priority">,
): number {
  const priority = fields.priority ?? 0;
  const { maxPriority } = tenantConfig(config, fields.tenantId);
  if (Number.isInteger(priority) && priority >= 0 && priority <= maxPriority) return priority;
  throw new SluiceError("invalid_value", `'priority' must be 0 to ${maxPriority} for this tenant.`, {
    param: "priority",
  });
}

/** A deadline as a moment. Throws `invalid_value` when it cannot be read or has passed. */
export function readDeadline(deadline: string | undefined, now: number): number | undefined {
  if (deadline === undefined) return undefined;
  const duration = parseDuration(deadline);
  const at = duration === undefined ? parseMoment(deadline) : now + duration;
  if (at === undefined) {
    throw new SluiceError("invalid_value", "'deadline' must be a duration such as 15m or an RFC 3339 time.", {
      param: "deadline",
    });
  }
  if (at <= now)
    throw new SluiceError("invalid_value", "'deadline' must lie in the future.", { param: "deadline" });
  if (at - now > longestDeadlineMs)
    throw new SluiceError("invalid_value", "'deadline' may lie at most ten years ahead.", {
      param: "deadline",
    });
  return at;
}

/** An RFC 3339 time as ms since 1970; `undefined` when it is none. */
export function parseMoment(text: string): number | undefined {
  const date = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i.exec(text)?.[1];
  if (date === undefined || !isDate(date)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}

/** `Date.parse` takes 30 February for 2 March. */
function isDate(date: string): boolean {
  const at = Date.parse(`${date}T00:00:00Z`);
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(date);
}
