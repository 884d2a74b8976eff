import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { apiError, renderError } from "./api-error.ts";
import { checkKey, readKey } from "./authorize.ts";
import { planChatCompletion } from "./endpoints/chat-completions.ts";
import { planEmbeddings } from "./endpoints/embeddings.ts";
import { planMessages } from "./endpoints/messages.ts";
import { planModeration } from "./endpoints/moderations.ts";
import type { PlanCall } from "./endpoints/plan.ts";
import { planResponse } from "./endpoints/responses.ts";
import { planTextCompletion } from "./endpoints/text-completions.ts";
import { handleCall } from "./handle-call.ts";
import { jsonType } from "./serve-answer.ts";
import type { Simulator } from "./simulator.ts";

const endpoints: Readonly<Record<string, PlanCall>> = {
  "/v1/chat/completions": planChatCompletion,
  "/v1/completions": planTextCompletion,
  "/v1/embeddings": planEmbeddings,
  "/v1/responses": planResponse,
  "/v1/moderations": planModeration,
  "/v1/messages": planMessages,
};

const emptyBody = Buffer.alloc(0);

/** The API of the upstream, its metrics and its health. */
export function addModelRoutes(app: FastifyInstance, simulator: Simulator): void {
  for (const [path, planCall] of Object.entries(endpoints)) {
    app.post(path, (request, reply) => {
      // The answer is written straight to the socket's response: faults need it, and it is the faster way.
      reply.hijack();
      const body = (request.body as Buffer | undefined) ?? emptyBody;
      handleCall(simulator, planCall, { path, headers: request.headers, body, response: reply.raw });
    });
  }
  const names = listedModels(simulator);
  app.get(
    "/v1/models",
    (request, reply) =>
      refuseKey(simulator, request, reply) ?? { object: "list", data: names.map(showModel) },
  );
  app.get("/v1/models/*", (request, reply) => {
    const name = decodeURIComponent((request.params as { "*": string })["*"]);
    if (names.includes(name) || simulator.options.models.length === 0)
      return refuseKey(simulator, request, reply) ?? showModel(name);
    const error = apiError(404, `The model '${name}' does not exist`, {
      param: "model",
      code: "model_not_found",
    });
    return reply.code(404).type(jsonType).send(renderError(error));
  });
  app.get("/metrics", async (_request, reply) =>
    reply.type(simulator.metrics.contentType).send(await simulator.metrics.render()),
  );
  app.get("/health", (_request, reply) =>
    reply.code(simulator.faults.current().unhealthy === true ? 503 : 200).send(),
  );
  app.get("/healthz", () => ({ status: "ok" }));
}

/** The models `GET /v1/models` names: those given, or one named as the simulator. */
export function listedModels({ options }: Pick<Simulator, "options">): readonly string[] {
  return options.models.length > 0 ? options.models : [options.name];
}

function refuseKey(
  { options }: Simulator,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply | undefined {
  const refused = checkKey(options.apiKeys, readKey(request.headers));
  return refused && reply.code(refused.status).type(jsonType).send(renderError(refused));
}

function showModel(id: string): Record<string, unknown> {
  return { id, object: "model", created: 1_700_000_000, owned_by: "simulator" };
}
