import type { Fault } from "../fault.ts";
import { processFaults } from "./processes.ts";
import { redisFaults } from "./redis.ts";
import { wireFaults } from "./wire.ts";

/** Every fault there is, by number. */
export const faults: readonly Fault[] = [...processFaults, ...redisFaults, ...wireFaults].sort(
  (left, right) => left.number - right.number,
);
