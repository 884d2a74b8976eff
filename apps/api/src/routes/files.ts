import { Readable } from "node:stream";
import { fileListQuerySchema, parseWith, renderFile, renderLine, renderList } from "@sluice/contracts";
import { type FileRecord, isId, SluiceError } from "@sluice/domain";
import { hasExpired, readFile } from "@sluice/engine";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ApiPorts } from "../api-ports.ts";
import { callerOf } from "../authenticate.ts";
import { type WantedRange, wantedRange } from "../byte-range.ts";
import { attachmentNamed } from "../content-disposition.ts";
import { checkCursor } from "../cursor.ts";
import { receiveUpload } from "../receive-upload.ts";
import { describe } from "./describe.ts";

type WithId = { Params: { id: string } };

/** `/v1/files`, in OpenAI's shapes. */
export function fileRoutes(server: FastifyInstance, ports: ApiPorts): void {
  server.post(
    "/v1/files",
    describe("Files", "Upload a file (multipart/form-data: file, purpose, expires_after)"),
    (request) => upload(ports, request),
  );
  server.get("/v1/files", describe("Files", "List files", { query: fileListQuerySchema }), (request) =>
    list(ports, request),
  );
  server.get<WithId>("/v1/files/:id", describe("Files", "Read a file's record"), async (request) =>
    renderFile(await requireFile(ports, request)),
  );
  server.get<WithId>(
    "/v1/files/:id/content",
    describe("Files", "Read a file's bytes, or a range of them"),
    (request, reply) => content(ports, request, reply),
  );
  server.delete<WithId>("/v1/files/:id", describe("Files", "Delete a file"), (request) =>
    remove(ports, request),
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
  const filter = { liveAt: ports.clock.now(), ...(purpose === undefined ? {} : { purpose }) };
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
  // While the batch runs, its lines may still become more, and then their order is another.
  const isFixed = file.content.kind !== "view" || file.content.isFinal;
  const etag = `"${file.id}"`;
  const range = isFixed ? rangeOf(request, reply, file, etag) : undefined;
  const read = { ledger: ports.ledger, files: ports.files, renderLine };
  // HEAD is answered as GET, and the body that is left out need not be read.
  const bytes = request.method === "HEAD" ? Readable.from([]) : await readFile(read, file, range);
  // Only now: an error is answered without the headers of a file.
  reply
    .type("application/octet-stream")
    .header("content-disposition", attachmentNamed(file.filename))
    .header("cache-control", "private, no-transform");
  if (isFixed) describeBytes(reply, file, { etag, range });
  return reply.send(bytes);
}

function rangeOf(request: FastifyRequest, reply: FastifyReply, file: FileRecord, etag: string) {
  try {
    return wantedRange(request.headers, file.bytes, etag);
  } catch (error) {
    reply.header("content-range", `bytes */${file.bytes}`);
    throw error;
  }
}

function describeBytes(
  reply: FastifyReply,
  { bytes }: FileRecord,
  { etag, range }: { readonly etag: string; readonly range: WantedRange | undefined },
): void {
  reply.header("accept-ranges", "bytes").header("etag", etag);
  const { start, end } = range ?? { start: 0, end: bytes };
  reply.header("content-length", String(end - start));
  if (range !== undefined) reply.code(206).header("content-range", `bytes ${start}-${end - 1}/${bytes}`);
}

async function remove(ports: ApiPorts, request: FastifyRequest<WithId>): Promise<unknown> {
  const { id } = request.params;
  const isGone =
    isId("file", id) && (await ports.ledger.deleteFile(callerOf(request).tenantId, id, ports.clock.now()));
  if (!isGone) throw notFound(id);
  return { id, object: "file", deleted: true };
}

async function requireFile(ports: ApiPorts, request: FastifyRequest<WithId>): Promise<FileRecord> {
  const { id } = request.params;
  const file = isId("file", id) ? await ports.ledger.findFile(callerOf(request).tenantId, id) : undefined;
  if (file === undefined || hasExpired(file, ports.clock.now())) throw notFound(id);
  return file;
}

function notFound(id: string): SluiceError {
  return new SluiceError("not_found", `No such file: '${id.slice(0, 64)}'.`, { param: "id" });
}
