/**
 * Every key that Sluice has in Redis is spelled in this file and nowhere else.
 *
 * A part in braces is a hash tag: in a Redis Cluster, keys with the same tag live on one node, where one
 * script can touch them together. Each lane has its own tag, so lanes spread over the nodes; all capacity
 * keys share one, because a reservation is one atomic step over several of them.
 */

/** A queue as BullMQ wants it named: its keys are `PREFIX:NAME:…`. */
export interface QueueName {
  /** What the board shows. */
  readonly name: string;
  readonly prefix: string;
}

/** The queues beside the lanes. */
export type SideQueue = "batches" | "delivery" | "dead-letter";

const lanePrefix = "lane.";

/** BullMQ forbids colons in names; braces would break the hash tag. */
const forbidden = /[%:{}\s]/g;

/** The lane of a model alias: `lane.auto`, with its keys under `{lane.auto}:lane.auto:`. */
export function laneQueue(model: string): QueueName {
  return queueNamed(lanePrefix + model.replaceAll(forbidden, encodeURIComponent));
}

/** The model alias of a lane's name, or `undefined` for a queue that is not a lane. */
export function modelOfLane(name: string): string | undefined {
  return name.startsWith(lanePrefix) ? decodeURIComponent(name.slice(lanePrefix.length)) : undefined;
}

export function sideQueue(name: SideQueue): QueueName {
  return queueNamed(name);
}

function queueNamed(name: string): QueueName {
  return { name, prefix: `{${name}}` };
}

/** The keys of a BullMQ queue that our own scripts read. */
export function queueKeys(queue: QueueName): {
  readonly wait: string;
  readonly active: string;
  readonly prioritized: string;
  readonly delayed: string;
  readonly meta: string;
  /** A job's hash is this and its id; its lock is that and `:lock`. */
  readonly jobPrefix: string;
} {
  const base = `${queue.prefix}:${queue.name}:`;
  return {
    wait: `${base}wait`,
    active: `${base}active`,
    prioritized: `${base}prioritized`,
    delayed: `${base}delayed`,
    meta: `${base}meta`,
    jobPrefix: base,
  };
}

/** A key of the capacity state, e.g. `{capacity}:target:small-openai`. */
export function capacityKey(...parts: readonly [string, ...string[]]): string {
  return `{capacity}:${parts.join(":")}`;
}

/** What is predicted from: the leader's last snapshot, and what other processes have seen since. */
export const forecastKeys = { snapshot: "{forecast}:snapshot", reports: "{forecast}:reports" } as const;

/** Names the data set, see `redisGeneration`. */
export const generationKey = "sluice:generation";
