// Lanes on BullMQ; the only importer of bullmq.
export type { BoardQueues } from "./board-queues.ts";
export { queuesForBoard } from "./board-queues.ts";
export type { Consumer, HandlerContext } from "./consumer.ts";
export { createDeadLetters } from "./dead-letters.ts";
export type { IdConsumerOptions, IdQueueName, IdQueueOptions } from "./id-queue.ts";
export { createIdConsumer, createIdQueue } from "./id-queue.ts";
export type { ClaimedPointer, LaneConsumerOptions } from "./lane-consumer.ts";
export { createLaneConsumer } from "./lane-consumer.ts";
export { createLaneWaker } from "./lane-waker.ts";
export type { BullLanes, LanesOptions } from "./lanes.ts";
export { createLanes } from "./lanes.ts";
export { createQueueTelemetry } from "./queue-telemetry.ts";
