/** A job that may be fed. */
export interface UnfedJob {
  /** What it is charged. */
  readonly tokens: number;
}

/** One tenant's unfed jobs of a candidate set. */
export interface Flow {
  readonly tenant: string;
  /** Its share of the tokens beside other flows. */
  readonly weight: number;
  /** In the order in which they are to go; never empty. */
  readonly jobs: readonly UnfedJob[];
  /** More of its jobs lie behind these. */
  readonly more: boolean;
  /** Jobs of it that wait in the window for room at their targets. */
  readonly parked: number;
}

/** Tokens that each flow may still send, by tenant; flows that have none are left out. */
export type Deficits = ReadonlyMap<string, number>;

/** Which jobs go, in order, and the deficits for the next time. */
export interface Filling<Job extends UnfedJob> {
  readonly chosen: readonly Job[];
  readonly deficits: Deficits;
}

interface Queue<Job extends UnfedJob> {
  readonly flow: Flow & { readonly jobs: readonly Job[] };
  next: number;
  deficit: number;
}

/**
 * Shares the room of a window between tenants by weight, in tokens: deficit round robin (Shreedhar and Varghese, 1996)
 * with the smallest quantum that lets some flow send, so that what two backlogged flows have sent differs, by weight,
 * by one job at most, and all room is filled. A flow without backlog loses its deficit.
 *
 * A flow that has its share of the window's places parked already goes after the others: its targets, and not this
 * order, hold it back, and more of its jobs would only push the others out of the window.
 */
export function fillWindow<Job extends UnfedJob>(given: {
  readonly flows: readonly (Flow & { readonly jobs: readonly Job[] })[];
  readonly deficits: Deficits;
  /** Free places, and all places of the window. */
  readonly room: number;
  readonly places: number;
}): Filling<Job> {
  const queues = given.flows.map((flow) => ({
    flow,
    next: 0,
    deficit: given.deficits.get(flow.tenant) ?? 0,
  }));
  const weights = given.flows.reduce((sum, { weight }) => sum + weight, 0);
  const hasItsShare = ({ flow }: Queue<Job>) => flow.parked >= (given.places * flow.weight) / weights;
  const chosen: Job[] = [];
  for (const group of [queues.filter((queue) => !hasItsShare(queue)), queues.filter(hasItsShare)])
    serve(group, given.room, chosen);
  return { chosen, deficits: deficitsOf(queues) };
}

/** Runs rounds until the room is used or every queue is empty. */
function serve<Job extends UnfedJob>(queues: readonly Queue<Job>[], room: number, chosen: Job[]): void {
  while (chosen.length < room) {
    const quantum = quantumOf(queues);
    if (quantum === undefined) return;
    for (const queue of queues) if (isBacklogged(queue)) queue.deficit += quantum * queue.flow.weight;
    for (const queue of queues) {
      for (let job = due(queue); job !== undefined; job = due(queue)) {
        if (chosen.length >= room) return;
        queue.next += 1;
        queue.deficit -= chargeOf(job);
        chosen.push(job);
      }
    }
  }
}

/** What the flow that lacks least of its next job lacks, by weight; `undefined` when none has a job. */
function quantumOf(queues: readonly Queue<UnfedJob>[]): number | undefined {
  let least: number | undefined;
  for (const { flow, next, deficit } of queues) {
    const job = flow.jobs[next];
    if (job === undefined) continue;
    const lacks = Math.max(0, (chargeOf(job) - deficit) / flow.weight);
    if (least === undefined || lacks < least) least = lacks;
  }
  return least;
}

/** Sums of fractions may fall short of what they stand for by this much. */
const rounding = 1e-6;

function due<Job extends UnfedJob>({ flow, next, deficit }: Queue<Job>): Job | undefined {
  const job = flow.jobs[next];
  return job !== undefined && chargeOf(job) <= deficit + rounding ? job : undefined;
}

/** Nothing is free: else a flow of jobs without tokens would never end its turn. */
function chargeOf(job: UnfedJob): number {
  return Math.max(1, job.tokens);
}

function isBacklogged({ flow, next }: Queue<UnfedJob>): boolean {
  return next < flow.jobs.length || flow.more;
}

function deficitsOf(queues: readonly Queue<UnfedJob>[]): Map<string, number> {
  const backlogged = queues.filter((queue) => isBacklogged(queue) && queue.deficit > 0);
  return new Map(backlogged.map(({ flow, deficit }) => [flow.tenant, deficit]));
}
