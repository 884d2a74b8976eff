import {
  type Clock,
  type IdSource,
  type OperatedTarget,
  ownerOfReservation,
  type ParkedJob,
  type RebuildableCapacity,
  type ReserveAnswer,
  type ReserveRequest,
  reservationId,
  type Target,
  type TargetSignals,
} from "@sluice/domain";
import type { RedisClient } from "@sluice/redis";
import { microUsd, whole } from "./amounts.ts";
import { cold, heldKey, owners, parked, targetHealth, targetLog, targetUse, warm } from "./capacity-keys.ts";
import {
  memberOf,
  type PlaceAnswer,
  parkAnswer,
  parkedJobOf,
  type WaitingPlace,
  waitingPlaces,
} from "./parking.ts";
import { readSignals, readState } from "./read-signals.ts";
import { readClaim, rebuildArgument } from "./rebuild-argument.ts";
import { readingsOf } from "./report-readings.ts";
import { grant, isCalm } from "./reservations.ts";
import {
  argumentsOf,
  observeKeys,
  placeArguments,
  placeInOrder,
  reportArguments,
  reserveArguments,
  reserveKeys,
} from "./script-arguments.ts";
import { loadScripts } from "./scripts.ts";

export interface CapacityOptions {
  readonly redis: RedisClient;
  readonly ids: IdSource;
  /** Pauses are given and read by this clock, and kept by the server's: the two may differ. */
  readonly clock: Clock;
  /** Where the scripts take the time from. Only tests give their own (ms since 1970); the server's is one for all. */
  readonly timeSource?: "server" | (() => number);
  /** Told which parked jobs have room now; each that does not come within a second is told again, three times at most. */
  readonly onRoom?: (jobs: readonly ParkedJob[]) => void;
}

/** Capacity in Redis; each call is one Lua script, so one atomic step. Rejects when Redis is away. */
export function createCapacity(options: CapacityOptions): RebuildableCapacity {
  const { redis, ids, clock, timeSource } = options;
  const scripts = loadScripts(redis);
  const now = (): string => (typeof timeSource === "function" ? String(timeSource()) : "");
  const wake = (members: unknown): void => {
    if (Array.isArray(members) && members.length > 0) options.onRoom?.(members.map(parkedJobOf));
  };
  return {
    async reserve(request) {
      const id = reservationId(request.owner, ids.uuid());
      const args = [now(), id, ...reserveArguments(request, isCalm(request, clock.now()))];
      const reply = await scripts.reserve(reserveKeys(request), args);
      wake(after(reply, 4));
      return readAnswer(reply, request, id);
    },
    async park(turn, refusals) {
      const places = waitingPlaces(refusals);
      const args = [now(), ...placeInOrder(turn), ...places.flatMap(placeArguments)];
      const reply = await scripts.park([parked, warm], args);
      wake(after(reply, 2));
      return parkAnswer(readPark(reply, places), refusals);
    },
    async leave(job) {
      wake(await scripts.leave([parked], [now(), memberOf(job)]));
    },
    async holds({ id }) {
      return (await redis.hexists(heldKey(ownerOfReservation(id)), id)) === 1;
    },
    async settle({ id }, { inputTokens, outputTokens, costUsd, sentAfterMs }) {
      const use = [inputTokens, outputTokens, sentAfterMs].map(orUnknown(whole));
      const args = [now(), id, ...use, orUnknown(microUsd)(costUsd)];
      wake(await scripts.settle([heldKey(ownerOfReservation(id)), parked], args));
    },
    async release({ id, probe }) {
      wake(await scripts.release([heldKey(ownerOfReservation(id)), parked], [now(), id, probe ?? 0]));
    },
    async renew(owner, leaseMs) {
      await scripts.renew([owners, heldKey(owner)], [now(), whole(leaseMs)]);
    },
    async learn(target, report, reservation) {
      const readings = readingsOf(target, report, reservation);
      if (readings === undefined) return;
      const args = [now(), ids.uuid(), ...reportArguments(readings)];
      await scripts.learn([targetUse(target.id), targetLog(target.id), warm], args);
    },
    async pause(targetId, untilAt, reason) {
      await scripts.pause([targetUse(targetId)], [now(), Math.ceil(untilAt - clock.now()), reason]);
    },
    async observe(targetId, sample) {
      wake(await scripts.observe(observeKeys(targetId), [now(), ...argumentsOf(sample)]));
    },
    async operate(states) {
      const tell = ({ targetId, state, changedAt, weight }: OperatedTarget) =>
        scripts.operate([targetUse(targetId)], [state, changedAt, weight ?? ""]);
      await Promise.all(states.map(tell));
    },
    async signals(targets) {
      // Sent together: the client writes what one turn of the event loop asks into one round trip.
      const read = async (target: Target): Promise<[string, TargetSignals]> => {
        const { id } = target;
        const keys = [targetUse(id), targetLog(id), owners, targetHealth(id)];
        const reply = await scripts.signals(keys, [now()]);
        return [target.id, readSignals(readState(reply), target.limits, clock.now())];
      };
      return Object.fromEntries(await Promise.all(targets.map(read)));
    },
    async claimRebuild({ token, settleMs, claimMs }) {
      const args = [now(), token, orUnknown(whole)(settleMs), whole(claimMs)];
      return readClaim(await scripts["claim-rebuild"]([warm, cold, owners], args));
    },
    async warm(token, use) {
      const reply = await scripts.warm([warm, cold, owners, parked], [now(), token, rebuildArgument(use)]);
      wake(after(reply, 1));
      return Array.isArray(reply) && reply[0] === 1;
    },
    reservationsOf: (owner) => redis.hkeys(heldKey(owner)),
  };
}

function orUnknown(write: (amount: number) => number) {
  return (amount: number | undefined): number | string => (amount === undefined ? "" : write(amount));
}

function readPark(reply: unknown, places: readonly WaitingPlace[]): PlaceAnswer {
  if (!Array.isArray(reply)) throw new TypeError("the park script answered no list");
  const [hasRoom, value] = [reply[0] === 1, Number(reply[1])];
  const place = places[value - 1];
  return hasRoom && place !== undefined ? { kind: "room", place } : { kind: "parked", waitMs: value };
}

function readAnswer(reply: unknown, request: ReserveRequest, id: string): ReserveAnswer {
  if (!Array.isArray(reply)) throw new TypeError("the reserve script answered no list");
  if (reply[0] !== 1) {
    const denied = { kind: "denied", limit: String(reply[1]), waitMs: Number(reply[2]) } as const;
    if (reply[3] === 2) return { ...denied, isUnknown: true };
    return reply[3] === 1 ? { ...denied, isExhausted: true } : denied;
  }
  const [requests, tokens, probe] = [Number(reply[1]), Number(reply[2]), Number(reply[3])];
  return grant({ request, id, left: { requests, tokens }, probe });
}

/** What a script returns beyond its answer. */
function after(reply: unknown, length: number): unknown {
  return Array.isArray(reply) ? reply.slice(length) : [];
}
