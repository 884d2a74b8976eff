import {
  modelPageSchema,
  parseWith,
  renderAnthropicModel,
  renderAnthropicModels,
  renderModel,
  renderModels,
} from "@sluice/contracts";
import { SluiceError } from "@sluice/domain";
import type { FastifyInstance } from "fastify";
import type { ApiPorts } from "../api-ports.ts";
import { errorDialectOf } from "../error-dialect.ts";
import { describe } from "./describe.ts";

/** `/v1/models`: the aliases, in Anthropic's shape for its clients. */
export function modelRoutes(server: FastifyInstance, { config }: Pick<ApiPorts, "config">): void {
  server.get("/v1/models", describe("Models", "List the models"), async (request) => {
    const ids = Object.keys(config().models);
    if (errorDialectOf(request) === "openai") return renderModels(ids);
    return renderAnthropicModels(ids, parseWith(modelPageSchema, request.query));
  });
  server.get<{ Params: { id: string } }>(
    "/v1/models/:id",
    describe("Models", "Read a model"),
    async (request) => {
      const { id } = request.params;
      if (!Object.hasOwn(config().models, id))
        throw new SluiceError("not_found", "No such model: GET /v1/models lists them.", { param: "model" });
      return errorDialectOf(request) === "openai" ? renderModel(id) : renderAnthropicModel(id);
    },
  );
}
