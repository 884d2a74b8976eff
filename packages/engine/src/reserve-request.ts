import type {
  EngineConfig,
  HeldMoney,
  JobToRun,
  Reservation,
  ReservedUse,
  ReserveRequest,
  Signals,
  Target,
} from "@sluice/domain";
import { budgetsOf, payersOf } from "./budgets.ts";
import { workerLeaseMs } from "./lease-keeper.ts";
import { tenantConfig } from "./tenant-config.ts";

/** What a call of a job asks of a target and of all whose money it spends. */
export function reserveRequest(
  config: EngineConfig,
  job: JobToRun,
  target: Target,
  signals: Signals,
  owner: string,
): ReserveRequest {
  const worstOutput = mostOutputTokens(job, target);
  const learned = signals[target.id]?.expectedOutputTokens ?? coldOutputTokens;
  const { id: jobId, tenantId, model, effectiveDeadlineAt } = job;
  const { limits, weight } = tenantConfig(config, tenantId);
  return {
    target,
    tenant: { id: tenantId, limits },
    owner,
    inputTokens: job.inputTokens,
    outputTokens: Math.min(worstOutput, Math.ceil(learned)),
    costUsd: worstCostUsd(target, job.inputTokens, worstOutput),
    leaseMs: workerLeaseMs,
    budgets: budgetsOf(config, payersOf(job)),
    turn: { jobId, model, effectiveDeadlineAt, tenantId, weight },
  };
}

const coldOutputTokens = 512;

/** What the request and the target allow. */
function mostOutputTokens(job: JobToRun, target: Target): number {
  if (job.endpoint === "/v1/embeddings" || job.endpoint === "/v1/moderations") return 0;
  return Math.min(job.maxOutputTokens ?? target.maxOutputTokens, target.maxOutputTokens);
}

/** Tokenizers of other providers make up to a quarter more of a prompt than the one it is estimated with. */
const worstPrompt = 1.25;

function worstCostUsd({ price }: Target, inputTokens: number, outputTokens: number): number {
  return (worstPrompt * inputTokens * price.input + outputTokens * price.output) / 1_000_000;
}

/** What the ledger keeps of a granted call, so that capacity can be rebuilt. */
export function reservedUse(request: ReserveRequest, { id }: Reservation): ReservedUse {
  const { inputTokens, outputTokens, costUsd: usd, tenant } = request;
  return { reservationId: id, tenantId: tenant.id, inputTokens, outputTokens, usd };
}

/** What the ledger keeps of the budgets that a granted call is held against. */
export function heldMoney({ budgets = [], costUsd }: ReserveRequest, job: JobToRun): HeldMoney | undefined {
  if (budgets.length === 0) return undefined;
  const paysByKey = budgets.some(({ window }) => window === "day");
  return { usd: costUsd, keyId: paysByKey ? job.keyId : undefined };
}
