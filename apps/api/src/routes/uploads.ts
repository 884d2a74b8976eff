import {
  completeUploadSchema,
  parseWith,
  renderPart,
  renderUpload,
  uploadRequestSchema,
} from "@sluice/contracts";
import { idFromUuid, isId, SluiceError, type Upload } from "@sluice/domain";
import {
  addPart,
  cancelUpload,
  checkPurpose,
  checkTakesParts,
  checkUploadBytes,
  completeUpload,
  fileLifeMs,
  keptFilename,
  uploadAt,
  uploadLifeMs,
} from "@sluice/engine";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ApiPorts } from "../api-ports.ts";
import { callerOf } from "../authenticate.ts";
import { jsonBody } from "../json-body.ts";
import { readAway } from "../read-away.ts";
import { receiveForm } from "../receive-form.ts";
import { fileLimits } from "../receive-upload.ts";
import { describe } from "./describe.ts";

type WithId = { Params: { id: string } };

/** `/v1/uploads`, in OpenAI's shapes: files in parts. */
export function uploadRoutes(server: FastifyInstance, ports: ApiPorts): void {
  server.post(
    "/v1/uploads",
    describe("Uploads", "Begin a file that comes in parts", { body: uploadRequestSchema }),
    (request) => create(ports, request),
  );
  server.post<WithId>(
    "/v1/uploads/:id/parts",
    describe("Uploads", "Add a part (multipart/form-data: data)"),
    (request) => receivePart(ports, request),
  );
  server.post<WithId>(
    "/v1/uploads/:id/complete",
    describe("Uploads", "Make a file of the parts, in the order given", { body: completeUploadSchema }),
    (request) => complete(ports, request),
  );
  server.post<WithId>("/v1/uploads/:id/cancel", describe("Uploads", "Give an upload up"), async (request) =>
    renderUpload(await cancelUpload(ports, await requireUpload(ports, request))),
  );
}

async function create(ports: ApiPorts, request: FastifyRequest): Promise<unknown> {
  const body = parseWith(uploadRequestSchema, jsonBody(request).value);
  const limits = fileLimits(ports);
  checkPurpose(body.purpose);
  checkUploadBytes(body.bytes, body.purpose, limits);
  const now = ports.clock.now();
  const upload: Upload = {
    id: idFromUuid("upload", ports.ids.uuid()),
    tenantId: callerOf(request).tenantId,
    filename: keptFilename(body.filename),
    purpose: body.purpose,
    mimeType: body.mime_type,
    bytes: body.bytes,
    createdAt: now,
    expiresAt: now + uploadLifeMs,
    fileLifeMs: fileLifeMs(body.expires_after, body.purpose, limits),
    status: "pending",
    fileId: undefined,
    partIds: [],
  };
  await ports.ledger.createUpload(upload);
  return renderUpload(upload);
}

async function receivePart(ports: ApiPorts, request: FastifyRequest<WithId>): Promise<unknown> {
  try {
    const upload = await requireUpload(ports, request);
    await checkTakesParts(ports, upload);
    const keep = (content: Parameters<typeof addPart>[2]) => addPart(ports, upload, content);
    return renderPart((await receiveForm(request, { field: "data", keep })).kept);
  } catch (error) {
    await readAway(request.raw);
    throw error;
  }
}

async function complete(ports: ApiPorts, request: FastifyRequest<WithId>): Promise<unknown> {
  const body = parseWith(completeUploadSchema, jsonBody(request).value);
  const upload = await requireUpload(ports, request);
  const file = await completeUpload(ports, {
    upload,
    partIds: body.part_ids,
    md5: body.md5 ?? undefined,
  });
  return renderUpload({ ...upload, status: "completed" }, file);
}

async function requireUpload(ports: ApiPorts, request: FastifyRequest<WithId>): Promise<Upload> {
  const { id } = request.params;
  const { tenantId } = callerOf(request);
  const upload = isId("upload", id) ? await ports.ledger.findUpload(tenantId, id) : undefined;
  if (upload !== undefined) return uploadAt(upload, ports.clock.now());
  throw new SluiceError("not_found", `No such upload: '${id.slice(0, 64)}'.`, { param: "id" });
}
