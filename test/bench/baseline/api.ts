// The baseline's API: Fastify without schemas, and a BullMQ queue that holds whole jobs.
import { Queue } from "bullmq";
import Fastify from "fastify";
import { Redis } from "ioredis";
import { type BaselineJob, baselineQueue } from "./baseline-job.ts";

const redis = new Redis(process.env["REDIS_URL"] ?? "", { maxRetriesPerRequest: 1 });
const queue = new Queue<BaselineJob>(baselineQueue, {
  connection: redis,
  defaultJobOptions: { removeOnComplete: true, attempts: 5, backoff: { type: "exponential", delay: 500 } },
});
const server = Fastify({ logger: false });

server.post("/v1/jobs", async (request, reply) => {
  const { priority = 0, ...job } = request.body as BaselineJob & { priority?: number };
  // BullMQ's 1 is the most urgent; 0 would bypass the priorities.
  const { id } = await queue.add("job", job, { priority: 10 - priority });
  return reply.code(202).send({ id, status: "queued" });
});

const url = await server.listen({ host: "127.0.0.1", port: 0 });
process.send?.({ type: "ready", url });

process.once("SIGTERM", () => {
  void server
    .close()
    .then(() => queue.close())
    .then(() => process.exit(0));
});
