import {
  type Clock,
  type IdSource,
  ownerOfReservation,
  type ParkedJob,
  type RebuildableCapacity,
  reservationId,
} from "@sluice/domain";
import { whole } from "../amounts.ts";
import { memberOf, parkAnswer, waitingPlaces } from "../parking.ts";
import { readSignals } from "../read-signals.ts";
import { readingsOf } from "../report-readings.ts";
import { claimRebuild } from "./claim-rebuild.ts";
import { createState } from "./create-state.ts";
import { learn } from "./learn.ts";
import { leave } from "./leave.ts";
import { observe } from "./observe.ts";
import { operate } from "./operate.ts";
import { park } from "./park.ts";
import { pause } from "./pause.ts";
import { release } from "./release.ts";
import { renew } from "./renew.ts";
import { reserve } from "./reserve.ts";
import { settle } from "./settle.ts";
import { signals } from "./signals.ts";
import type { Step } from "./state.ts";
import { warm } from "./warm.ts";

export interface InMemoryCapacityOptions {
  /** The time of everything; fractions of a ms are cut off. */
  readonly clock: Pick<Clock, "now">;
  readonly ids: IdSource;
  /** Told which parked jobs have room now, before the call that found it answers; see `CapacityOptions`. */
  readonly onRoom?: (jobs: readonly ParkedJob[]) => void;
  /** As after a loss; else it is warm from the beginning. */
  readonly startsCold?: boolean;
}

/**
 * Capacity of one process, without Redis: answers every call as the Lua scripts do (a test compares them). Each file
 * of this folder is the script of the same name.
 */
export function createInMemoryCapacity(options: InMemoryCapacityOptions): RebuildableCapacity {
  const { clock, ids, onRoom, startsCold = false } = options;
  const state = createState({ startsCold });
  function run<Answer>(act: (step: Step) => Answer): Answer {
    const step: Step = { state, now: Math.floor(clock.now()), wake: [] };
    const answer = act(step);
    if (step.wake.length > 0) onRoom?.(step.wake.map(({ job }) => job));
    return answer;
  }
  return {
    async reserve(request) {
      const id = reservationId(request.owner, ids.uuid());
      return run((step) => reserve(step, request, id));
    },
    async park(turn, refusals) {
      return parkAnswer(
        run((step) => park(step, turn, waitingPlaces(refusals))),
        refusals,
      );
    },
    async leave(job) {
      run((step) => leave(step, memberOf(job)));
    },
    async holds({ id }) {
      return state.owners.get(ownerOfReservation(id))?.held.has(id) ?? false;
    },
    async settle({ id }, use) {
      run((step) => settle(step, id, use));
    },
    async release({ id, probe }) {
      run((step) => release(step, id, probe ?? 0));
    },
    async renew(owner, leaseMs) {
      run((step) => renew(step, owner, whole(leaseMs)));
    },
    async learn(target, report, reservation) {
      const readings = readingsOf(target, report, reservation);
      if (readings !== undefined) run((step) => learn(step, target.id, ids.uuid(), readings));
    },
    async pause(targetId, untilAt, reason) {
      run((step) => pause(step, targetId, Math.ceil(untilAt - step.now), reason));
    },
    async observe(targetId, sample) {
      run((step) => observe(step, targetId, sample));
    },
    async operate(states) {
      run((step) => {
        for (const said of states) operate(step, said);
      });
    },
    async signals(targets) {
      return run((step) =>
        Object.fromEntries(
          targets.map(({ id, limits }) => [id, readSignals(signals(step, id), limits, step.now)]),
        ),
      );
    },
    async claimRebuild(claim) {
      return run((step) => claimRebuild(step, claim));
    },
    async warm(token, use) {
      return run((step) => warm(step, token, use));
    },
    async reservationsOf(owner) {
      return [...(state.owners.get(owner)?.held.keys() ?? [])];
    },
  };
}
