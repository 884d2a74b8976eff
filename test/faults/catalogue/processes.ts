import { until } from "../../e2e/kit/until.ts";
import type { Fault, Scene } from "../fault.ts";
import { attemptsThat, dieAt, end, freeze } from "../kit/break.ts";

/** Calls that one worker may have in flight: each may be repeated when it dies. */
const callsOfAWorker = 16;
/** Longer than a worker's lease of 20 s. */
const pastTheLeaseMs = 30_000;

/** Faults of our own processes. */
export const processFaults: readonly Fault[] = [
  {
    number: 3,
    name: "kill -9 of a worker with calls in flight",
    duplicateCalls: () => callsOfAWorker,
    inject: async (scene) => {
      await end(scene.cluster, "worker-1", "SIGKILL");
      return untilLost(scene);
    },
  },
  {
    number: 4,
    name: "kill -9 of a worker between an upstream's answer and its commit",
    duplicateCalls: () => callsOfAWorker,
    inject: (scene) => dieAt(scene, "after-answer-before-outcome"),
  },
  {
    number: 5,
    name: "kill -9 of a worker between the commit of an outcome and the end of its pointer",
    duplicateCalls: () => callsOfAWorker,
    inject: (scene) => dieAt(scene, "after-outcome-before-lane"),
  },
  {
    number: 6,
    name: "kill -9 of the API between the commit of a job and its pointer",
    duplicateCalls: () => 0,
    inject: (scene) => dieAt(scene, "after-accept-before-lane"),
  },
  {
    number: 7,
    name: "kill -9 of the API between the commit of a job and its 202",
    duplicateCalls: () => 0,
    inject: (scene) => dieAt(scene, "after-accept-before-202"),
  },
  {
    number: 9,
    name: "a worker frozen past its lease",
    duplicateCalls: () => callsOfAWorker,
    inject: async (scene) => {
      await freeze(scene.cluster, "worker-1", pastTheLeaseMs);
      return untilLost(scene);
    },
  },
  {
    number: 23,
    name: "SIGTERM of each worker in turn, three times round",
    duplicateCalls: () => 0,
    inject: async ({ cluster }) => {
      const before = cluster.supervised.events.length;
      for (const name of ["worker-1", "worker-2", "worker-1", "worker-2", "worker-1", "worker-2"])
        await end(cluster, name, "SIGTERM");
      const codes = cluster.supervised.events
        .slice(before)
        .flatMap((event) => (event.type === "exited" ? [event.code] : []));
      return { bit: codes.length === 6, how: `${codes.filter((code) => code === 0).length} clean ends` };
    },
  },
];

/** The dispatcher has taken the jobs of the worker that did not renew. */
async function untilLost(scene: Scene) {
  const lost = await until("the jobs of the worker are taken from it", async () => {
    const count = await attemptsThat(scene, "lost");
    return count > 0 ? count : undefined;
  });
  return { bit: true, how: `${lost} attempts lost` };
}
