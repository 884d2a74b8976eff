import type { Budget } from "@sluice/domain";
import {
  type Arbitrary,
  array,
  boolean,
  constant,
  constantFrom,
  integer,
  oneof,
  record,
  tuple,
} from "fast-check";
import {
  batchBudget,
  differentialSteps,
  orAbsent,
  owner,
  type TargetId,
  type TenantName,
  targets,
  tenants,
  tokens,
  type ValueOf,
} from "./differential-steps.ts";

const scopes = oneof(
  record({ ...scope("target"), id: constantFrom(...(Object.keys(targets) as TargetId[])) }),
  record({ ...scope("tenant"), id: constantFrom(...(Object.keys(tenants) as TenantName[])) }),
);

function scope<Name extends string>(name: Name): { scope: Arbitrary<Name> } {
  return { scope: constant(name) };
}

const usd = constantFrom(0, 0.001, 0.004);
/** What capacity is rebuilt from; hours are counted back from that of the rebuild. */
const ledgerUse = record({
  sent: array(
    tuple(
      scopes,
      record({
        agoMs: integer({ min: 0, max: 62_000 }),
        requests: integer({ min: 1, max: 3 }),
        inputTokens: tokens,
        outputTokens: tokens,
      }),
    ),
    { maxLength: 12 },
  ),
  hours: array(tuple(scopes, record({ hoursAgo: constantFrom(0, 1, 23, 24, 25), tokens, usd })), {
    maxLength: 4,
  }),
  running: array(
    record({
      owner,
      target: constantFrom(...(Object.keys(targets) as TargetId[])),
      tenant: orAbsent(constantFrom(...(Object.keys(tenants) as TenantName[]))),
      countsDay: boolean(),
      startedAgoMs: constantFrom(0, 700, 30_000, 500_000),
      leaseMs: constantFrom(-90_000, -10, 4_000, 20_000),
      inputTokens: tokens,
      outputTokens: tokens,
      usd,
      budgets: constantFrom<Pick<Budget, "key" | "window">[]>(
        [],
        [batchBudget],
        [batchBudget, { key: "key:1", window: "day" }],
      ),
    }),
    { maxLength: 6 },
  ),
});

/** For the differential test: steps of which the first come while all is lost, and what it is rebuilt from then. */
export const differentialSequence = record({
  steps: differentialSteps,
  stepsBefore: constantFrom(0, 0, 0, 10),
  use: ledgerUse,
});

export type LedgerUseStep = ValueOf<typeof ledgerUse>;
