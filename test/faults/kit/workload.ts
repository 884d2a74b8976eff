import { setTimeout as delay } from "node:timers/promises";
import { promptLines, startBatch, toJsonl } from "../../e2e/kit/batches.ts";
import { adminKey } from "../../e2e/kit/cluster.ts";
import { chatJob } from "../../e2e/kit/submit.ts";
import type { FaultCluster } from "./fault-cluster.ts";

const [batchLines, bulkLines, mostSingles] = [120, 60, 400];
const betweenSinglesMs = 120;
const giveUpMs = 240_000;

/** What clients submit while a fault goes on: a batch, a bulk call, and single jobs one after the other. */
export interface Workload {
  readonly batchIds: readonly string[];
  /** Ids of every 202 so far; lines of batches are not among them. */
  readonly promised: ReadonlySet<string>;
  /** Answers other than 202, and calls that broke off, each of which a client's retry made good. */
  refused(): number;
  /** One more job, tried until it is accepted. */
  submit(key: string): Promise<string>;
  /** Ends the flow of single jobs and waits until every call under way has its 202. */
  finish(): Promise<void>;
}

/** Starts the flow; answers when the batch has been accepted. */
export async function startWorkload({ api, url }: FaultCluster): Promise<Workload> {
  const promised = new Set<string>();
  const flow = new AbortController();
  let refused = 0;
  const submit = async (key: string): Promise<string> => {
    const job = chatJob({ model: "auto", index: key.length, maxTokens: 40 }, { metadata: { key } });
    const [id = ""] = await untilAccepted("/v1/jobs", JSON.stringify(job), key);
    return id;
  };

  /** As the documentation asks of a client: the same key again until it is answered. */
  async function untilAccepted(path: string, body: string, key: string): Promise<string[]> {
    const giveUpAt = performance.now() + giveUpMs;
    for (;;) {
      const ids = await post(path, body, key).catch((): undefined => undefined);
      for (const id of ids ?? []) promised.add(id);
      if (ids !== undefined) return ids;
      if (performance.now() > giveUpAt) throw new Error(`${key} was not accepted in ${giveUpMs} ms`);
      refused += 1;
      await delay(250);
    }
  }

  /** The ids, or nothing when it has to be tried again. */
  async function post(path: string, body: string, key: string): Promise<string[] | undefined> {
    const response = await fetch(`${url}${path}`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${adminKey}`,
        "content-type": path.endsWith("bulk") ? "application/x-ndjson" : "application/json",
        "idempotency-key": key,
      },
      body,
      signal: AbortSignal.timeout(20_000),
    });
    const answers = (await response.text()).trim().split("\n");
    if (!response.ok) return undefined;
    const ids = answers.map((line) => JSON.parse(line).id as string | undefined);
    const wanted = body.trim().split("\n").length;
    // What was accepted is a promise, also when the call as a whole has to be made again.
    for (const id of ids) if (id !== undefined) promised.add(id);
    return ids.length === wanted && ids.every((id) => id !== undefined) ? (ids as string[]) : undefined;
  }

  async function flowOfSingles(): Promise<void> {
    const underWay: Promise<unknown>[] = [];
    for (let index = 0; index < mostSingles && !flow.signal.aborted; index += 1) {
      underWay.push(submit(`single-${index}`));
      await delay(betweenSinglesMs);
    }
    await Promise.all(underWay);
  }

  const batchIds = [await startBatch(api, toJsonl(promptLines(batchLines, { model: "auto" })))];
  const lines = Array.from({ length: bulkLines }, (_, index) =>
    JSON.stringify(chatJob({ model: "auto", index, maxTokens: 40 })),
  );
  const all = Promise.all([untilAccepted("/v1/jobs/bulk", `${lines.join("\n")}\n`, "bulk"), flowOfSingles()]);
  // Reported by finish.
  all.catch(() => undefined);
  return {
    batchIds,
    promised,
    refused: () => refused,
    submit,
    async finish() {
      flow.abort();
      await all;
    },
  };
}
