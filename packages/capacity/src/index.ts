export { type CapacityOptions, createCapacity } from "./create-capacity.ts";
export { createForecastBoard } from "./create-forecast-board.ts";
export {
  createInMemoryCapacity,
  type InMemoryCapacityOptions,
} from "./in-memory/create-in-memory-capacity.ts";
export { repeatLostEnds } from "./repeat-lost-ends.ts";
