import {
  type Clock,
  type EngineConfig,
  type FileStore,
  type IdSource,
  idFromUuid,
  type Random,
  type Route,
} from "@sluice/domain";
import { decideRoute } from "@sluice/routing";
import { lookUp } from "./look-up.ts";
import type { SignalsCache } from "./place-job.ts";
import { routeRequest } from "./route-request.ts";
import { type JobRequestFields, specJob, targetsOf } from "./spec-job.ts";

export interface PreviewRoutePorts {
  readonly signals: SignalsCache;
  readonly clock: Clock;
  readonly random: Random;
  readonly ids: IdSource;
  readonly files: FileStore;
  readonly config: () => EngineConfig;
}

/**
 * Decides where a job would go now, as a worker would, and leaves no trace of it. Throws what accepting the job would
 * throw. Policies that go round start at their first target: each worker counts for itself.
 */
export async function previewRoute(
  ports: PreviewRoutePorts,
  fields: JobRequestFields,
  body: Buffer,
): Promise<Route> {
  const config = ports.config();
  const now = ports.clock.now();
  const id = idFromUuid("job", ports.ids.uuid());
  const spec = specJob(fields, config, { id, body: { kind: "inline", bytes: body }, now });
  const alias = lookUp(config.models, spec.model);
  if (alias === undefined) throw new Error("a job was accepted for a model that is not configured");
  const request = await routeRequest(ports.files, { ...spec, attempts: 0, failedTargets: [] }, alias);
  const signals = await ports.signals.read(targetsOf(config, alias));
  return decideRoute({ request, config, signals, now: ports.clock.now(), random: ports.random.next() });
}
