// Jobs that only a saturated target can serve lie ahead, in the same lane, of 100 that a free one can:
// `node test/e2e/drill/no-hol.ts [targets|capability]`. The 100 must finish as they do on an empty lane; exits with 1
// when they do not. A drill and no test: what it prints depends on the machine.
import { promptLines, startBatch, toJsonl } from "../kit/batches.ts";
import { startTestCluster, type TestCluster } from "../kit/cluster.ts";
import { judge, printTable } from "../kit/print.ts";
import { chatJob, submitJobs, untilJobsEnd } from "../kit/submit.ts";
import { until } from "../kit/until.ts";
import { workersTotal } from "../kit/worker-metrics.ts";

/** What keeps a job from all targets but one. */
interface Way {
  readonly name: string;
  /** Jobs that only the saturated target can serve. */
  readonly blocked: { readonly body: object; readonly routing: object };
  /** Jobs that only the free one can serve. */
  readonly passing: { readonly body: object; readonly routing: object };
}

const tool = { type: "function", function: { name: "look_up", parameters: { type: "object" } } };
const ways: Way[] = [
  {
    name: "targets",
    blocked: { body: {}, routing: { targets: ["full"] } },
    passing: { body: {}, routing: { targets: ["free"] } },
  },
  {
    name: "capability",
    blocked: { body: { tools: [tool] }, routing: {} },
    passing: { body: {}, routing: { region: "eu" } },
  },
];
const passing = 100;
const aheads = [0, 1_000, 5_000];
/** The free target takes so many at once; the 100 take several rounds of them. */
const places = 8;
const [slackShare, slackMs] = [1.25, 1_000];

const config = `
version: 1
providers:
  full: { kind: simulator, ttft_ms: 20000, tokens_per_second: 5000, concurrency: 1 }
  free: { kind: simulator, ttft_ms: 500, tokens_per_second: 200, concurrency: ${places} }
pools:
  full: { targets: [{ id: full, provider: full, model: sim-70b, capabilities: [tools] }] }
  free: { targets: [{ id: free, provider: free, model: sim-8b, region: eu }] }
models:
  auto: { pools: [full, free] }
sla_classes:
  batch: { deadline: 24h, default: true }
`;

/** How long the passing jobs took behind so many blocked ones, the worst of three times. */
interface Seen {
  readonly ahead: number;
  readonly allDoneMs: number;
  readonly firstDoneMs: number;
}

async function measure(way: Way, ahead: number): Promise<Seen> {
  const cluster = await startTestCluster({ config, workers: 2 });
  try {
    if (ahead > 0) await block(cluster, way, ahead);
    const passes: Seen[] = [];
    for (let time = 0; time < 3; time += 1) passes.push({ ahead, ...(await pass(cluster, way, time)) });
    return passes.toSorted((a, b) => b.allDoneMs - a.allDoneMs)[0] as Seen;
  } finally {
    await cluster.stop();
  }
}

/** Puts the blocked jobs into the cluster, and waits until workers have found no room for one. */
async function block(cluster: TestCluster, { blocked }: Way, ahead: number): Promise<void> {
  const lines = promptLines(ahead, { model: "auto" }).map((line) => ({
    ...line,
    body: { ...line.body, ...blocked.body },
  }));
  await startBatch(cluster.api, toJsonl(lines), { routing: blocked.routing });
  await until("workers have found no room for one", async () =>
    (await workersTotal(cluster, "sluice_jobs_held_total")) > 0 ? true : undefined,
  );
}

async function pass({ api }: TestCluster, way: Way, time: number): Promise<Omit<Seen, "ahead">> {
  const startedAt = Date.now();
  const bodies = Array.from({ length: passing }, (_, index) => {
    const job = chatJob({ model: "auto", index: time * passing + index, maxTokens: 40 });
    return { ...job, body: { ...job.body, ...way.passing.body }, routing: way.passing.routing };
  });
  const jobs = await untilJobsEnd(api, await submitJobs(api, bodies), 60_000);
  const failed = jobs.filter(({ status }) => status !== "succeeded").length;
  if (failed > 0) throw new Error(`${failed} of the passing jobs did not succeed`);
  const ends = jobs.map((job) => Date.parse(job.finished_at ?? "") - startedAt);
  return { allDoneMs: Math.max(...ends), firstDoneMs: Math.min(...ends) };
}

const asked = process.argv[2];
for (const way of ways.filter(({ name }) => asked === undefined || asked === name)) {
  const seen: Seen[] = [];
  for (const ahead of aheads)
    seen.push(
      await measure(way, ahead).catch((error: Error) => {
        console.log(`${ahead} ahead: ${error.message}`);
        return { ahead, allDoneMs: Number.POSITIVE_INFINITY, firstDoneMs: Number.POSITIVE_INFINITY };
      }),
    );
  const seconds = (ms: number): string => (ms / 1_000).toFixed(1);
  printTable(
    [
      "narrowed by",
      "ahead",
      `first of ${passing} done after (s)`,
      `all ${passing} done after (s), worst of 3`,
    ],
    seen.map((one) => [way.name, one.ahead, seconds(one.firstDoneMs), seconds(one.allDoneMs)]),
  );
  const alone = seen[0]?.allDoneMs ?? Number.NaN;
  for (const { ahead, allDoneMs } of seen.slice(1))
    judge(allDoneMs <= alone * slackShare + slackMs, `behind ${ahead} they finish as on an empty lane`);
}
