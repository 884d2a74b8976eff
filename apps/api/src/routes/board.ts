import { createBullBoard } from "@bull-board/api";
import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import { FastifyAdapter } from "@bull-board/fastify";
import basicAuth from "@fastify/basic-auth";
import { SluiceError } from "@sluice/domain";
import type { BoardQueues } from "@sluice/queue";
import type { FastifyInstance } from "fastify";
import type { ApiPorts } from "../api-ports.ts";
import { sendError } from "../errors.ts";

const basePath = "/queues";

/** Bull Board behind a login: any name, an admin key as password. It shows pointers only. */
export async function boardRoutes(
  server: FastifyInstance,
  ports: Pick<ApiPorts, "authenticator" | "logger"> & { queues: BoardQueues["queues"] },
): Promise<void> {
  await server.register(basicAuth, {
    authenticate: { realm: "Sluice" },
    async validate(_name: string, password: string, request) {
      const owner = await ports.authenticator.ownerOf(password);
      if (owner.role !== "admin")
        throw new SluiceError("invalid_api_key", "The password must be an admin key.");
      if (request.method === "GET") return;
      const action = `${request.method} ${request.url.split("?")[0]}`;
      ports.logger.info({ action, by: owner.keyId }, "an operator acts on the board");
    },
  });
  server.addHook("onRequest", server.basicAuth);
  server.addHook("onRequest", async (request, reply) => {
    // A page of another site that frames the board could lead an operator's clicks.
    reply.header("content-security-policy", "frame-ancestors 'none'").header("x-frame-options", "DENY");
    // The browser sends the login by itself, also for another site's forms.
    const site = request.headers["sec-fetch-site"];
    if (request.method === "GET" || site === undefined || site === "same-origin") return;
    // Sent here: the board's own error handler makes a 500 of whatever is thrown.
    const refusal = new SluiceError("permission_denied", "Actions on the board must come from the board.");
    return sendError(reply, refusal);
  });
  const adapter = new FastifyAdapter();
  adapter.setBasePath(basePath);
  createBullBoard({
    queues: ports.queues.map((queue) => new BullMQAdapter(queue)),
    serverAdapter: adapter,
    options: { uiConfig: { boardTitle: "Sluice" } },
  });
  await server.register(adapter.registerPlugin(), { prefix: basePath });
}
