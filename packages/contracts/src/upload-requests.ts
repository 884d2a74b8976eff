import { z } from "zod";
import { text } from "./requests.ts";

/** Body of `POST /v1/uploads`. Purpose and expiry are checked where files are. */
export const uploadRequestSchema = z.strictObject({
  filename: text(255),
  purpose: text(64),
  bytes: z.int().min(1),
  mime_type: text(255),
  expires_after: z.strictObject({ anchor: z.unknown(), seconds: z.unknown() }).optional(),
});

/** Body of `POST /v1/uploads/{id}/complete`. */
export const completeUploadSchema = z.strictObject({
  part_ids: z.array(text(64)).min(1).max(10_000),
  md5: text(64).nullish(),
});
