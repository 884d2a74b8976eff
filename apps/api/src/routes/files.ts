import { fileListQuerySchema, parseWith, renderFile, renderLine, renderList } from "@sluice/contracts";
import { type FileRecord, isId, SluiceError } from "@sluice/domain";
import { readFile } from "@sluice/engine";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ApiPorts } from "../api-ports.ts";
import { callerOf } from "../authenticate.ts";
import { checkCursor } from "../cursor.ts";
import { receiveUpload } from "../receive-upload.ts";
import { describe } from "./describe.ts";

type WithId = { Params: { id: string } };

/** `/v1/files`, in OpenAI's shapes. */
export function fileRoutes(server: FastifyInstance, ports: ApiPorts): void {
  server.post(
    "/v1/files",
    describe("Files", "Upload a file (multipart/form-data: file, purpose)"),
    (request) => upload(ports, request),
  );
  server.get("/v1/files", describe("Files", "List files", { query: fileListQuerySchema }), (request) =>
    list(ports, request),
  );
  server.get<WithId>("/v1/files/:id", describe("Files", "Read a file's record"), async (request) =>
    renderFile(await requireFile(ports, request)),
  );
  server.get<WithId>("/v1/files/:id/content", describe("Files", "Read a file's bytes"), (request, reply) =>
    content(ports, request, reply),
  );
}

async function upload(ports: ApiPorts, request: FastifyRequest): Promise<unknown> {
  const file = await receiveUpload(ports, request, callerOf(request).tenantId);
  await ports.ledger.createFile(file);
  return renderFile(file);
}

async function list(ports: ApiPorts, request: FastifyRequest): Promise<unknown> {
  const { purpose, limit, ...page } = parseWith(fileListQuerySchema, request.query);
  checkCursor("file", page.after);
  const filter = purpose === undefined ? {} : { purpose };
  const files = await ports.ledger.listFiles(callerOf(request).tenantId, filter, {
    after: page.after,
    order: page.order,
    limit: limit + 1,
  });
  return renderList(files.map(renderFile), limit);
}

async function content(
  ports: ApiPorts,
  request: FastifyRequest<WithId>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const file = await requireFile(ports, request);
  const bytes = await readFile({ ledger: ports.ledger, files: ports.files, renderLine }, file);
  if (file.content.kind === "stored") reply.header("content-length", String(file.bytes));
  return reply.type("application/octet-stream").send(bytes);
}

async function requireFile(ports: ApiPorts, request: FastifyRequest<WithId>): Promise<FileRecord> {
  const { id } = request.params;
  const file = isId("file", id) ? await ports.ledger.findFile(callerOf(request).tenantId, id) : undefined;
  if (file === undefined)
    throw new SluiceError("not_found", `No such file: '${id.slice(0, 64)}'.`, { param: "id" });
  return file;
}
