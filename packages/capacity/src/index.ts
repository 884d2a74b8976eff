export { type CapacityOptions, createCapacity } from "./create-capacity.ts";
export { repeatUnconfirmedEnds } from "./repeat-unconfirmed-ends.ts";
