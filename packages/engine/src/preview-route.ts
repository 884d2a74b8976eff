import {
  type Clock,
  type EngineConfig,
  type FileStore,
  type IdSource,
  idFromUuid,
  type Job,
  type JobSpec,
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
  const made = { id: idFromUuid("job", ports.ids.uuid()), now: ports.clock.now() };
  const spec = specJob(fields, ports.config(), { ...made, body: { kind: "inline", bytes: body } });
  const route = await previewJob(ports, { ...spec, attempts: 0 });
  if (route === undefined) throw new Error("a job was accepted for a model that is not configured");
  return route;
}

/** The same for a job that was accepted; `undefined` when its model is no longer configured. */
export async function previewJob(
  ports: PreviewRoutePorts,
  job: JobSpec & Pick<Job, "attempts">,
): Promise<Route | undefined> {
  const config = ports.config();
  const alias = lookUp(config.models, job.model);
  if (alias === undefined) return undefined;
  const request = await routeRequest({ files: ports.files, config }, { ...job, failedTargets: [] }, alias);
  const signals = await ports.signals.read(targetsOf(config, alias));
  return decideRoute({ request, config, signals, now: ports.clock.now(), random: ports.random.next() });
}
