import { ownerOfReservation } from "@sluice/domain";
import type { Held, State } from "./state.ts";

/** Takes a reservation from its owner; `undefined` when it is not known (any more). */
export function takeHeld(state: State, id: string): Held | undefined {
  const held = state.owners.get(ownerOfReservation(id))?.held;
  const record = held?.get(id);
  held?.delete(id);
  return record;
}
