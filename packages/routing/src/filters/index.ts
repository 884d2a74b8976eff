import { askedFor } from "./asked-for.ts";
import { breakerClosed } from "./breaker-closed.ts";
import type { Filter } from "./filter.ts";
import { fitsContext } from "./fits-context.ts";
import { hasCapability } from "./has-capability.ts";
import { hasWeight } from "./has-weight.ts";
import { healthy } from "./healthy.ts";
import { inRegion } from "./in-region.ts";
import { inService } from "./in-service.ts";
import { meetsRule } from "./meets-rule.ts";
import { notFailedBefore } from "./not-failed-before.ts";
import { notPaused } from "./not-paused.ts";
import { servesEndpoint } from "./serves-endpoint.ts";
import { statesCapability } from "./states-capability.ts";
import { withinPrice } from "./within-price.ts";

export { breakerClosed } from "./breaker-closed.ts";
export type { Filter } from "./filter.ts";
export { healthy } from "./healthy.ts";
export { inService } from "./in-service.ts";
export { notPaused } from "./not-paused.ts";

/** Those that neither time nor load has a say in. */
export const staticFilters: readonly Filter[] = [
  servesEndpoint,
  hasCapability,
  fitsContext,
  inRegion,
  meetsRule,
  withinPrice,
  askedFor,
];

/** In order; the first that rejects names the reason. */
export const hardFilters: readonly Filter[] = [
  ...staticFilters,
  inService,
  healthy,
  notPaused,
  breakerClosed,
];

/** Asked of what the hard filters leave, and lifted together when nothing would remain, fallbacks included. */
export const softFilters: readonly Filter[] = [notFailedBefore, statesCapability, hasWeight];
