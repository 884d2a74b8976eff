import { type FileRecord, FileTooLarge, idFromUuid, SluiceError, type TenantId } from "@sluice/domain";
import {
  checkPurpose,
  type FileLimits,
  fileLifeMs,
  keepContent,
  keptFilename,
  mostBytesOf,
  tooLarge,
} from "@sluice/engine";
import type { FastifyRequest } from "fastify";
import type { ApiPorts } from "./api-ports.ts";
import { missing, receiveForm } from "./receive-form.ts";

/** What the configuration says of files now. */
export function fileLimits({ config }: ApiPorts): FileLimits {
  const { limits, retention } = config();
  return { batchFileBytes: limits.batchFileBytes, batchFileLifeMs: retention.filesMs };
}

/** Reads an upload, its parts in any order; the bytes stream to the store. Throws naming the field at fault. */
export async function receiveUpload(
  ports: ApiPorts,
  request: FastifyRequest,
  tenantId: TenantId,
): Promise<FileRecord> {
  const limits = fileLimits(ports);
  const { fields, kept } = await receiveForm(request, {
    field: "file",
    async keep(content, filename, before) {
      const most = mostBytesOf(before.get("purpose"), limits);
      const stored = await keepContent(ports, content, most).catch((error: unknown) => {
        throw error instanceof FileTooLarge ? tooLarge(most, "file") : error;
      });
      return { ...stored, filename: keptFilename(filename) };
    },
  });
  const purpose = fields.get("purpose");
  if (purpose === undefined) throw missing("purpose");
  checkPurpose(purpose);
  const most = mostBytesOf(purpose, limits);
  if (kept.bytes > most) throw tooLarge(most, "file");
  if (kept.bytes === 0) throw new SluiceError("empty_file", "The file is empty.", { param: "file" });
  const now = ports.clock.now();
  const lifeMs = fileLifeMs(expiryWish(fields), purpose, limits);
  return {
    id: idFromUuid("file", ports.ids.uuid()),
    tenantId,
    filename: kept.filename,
    purpose,
    bytes: kept.bytes,
    createdAt: now,
    expiresAt: lifeMs === undefined ? undefined : now + lifeMs,
    content: { kind: "stored", key: kept.key },
  };
}

function expiryWish(fields: ReadonlyMap<string, string>) {
  const [anchor, seconds] = [fields.get("expires_after[anchor]"), fields.get("expires_after[seconds]")];
  return anchor === undefined && seconds === undefined ? undefined : { anchor, seconds };
}
