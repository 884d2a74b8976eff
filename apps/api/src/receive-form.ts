import type { Readable } from "node:stream";
import type { Multipart, MultipartFile } from "@fastify/multipart";
import { SluiceError } from "@sluice/domain";
import type { FastifyRequest } from "fastify";
import { readAway } from "./read-away.ts";

export interface FormReader<Kept> {
  /** The part that holds the bytes. */
  readonly field: string;
  /** Keeps the bytes; `fields` are those that came before. */
  readonly keep: (content: Readable, filename: string, fields: ReadonlyMap<string, string>) => Promise<Kept>;
}

/** A form's text fields, and what became of its one file. */
export interface Form<Kept> {
  readonly fields: ReadonlyMap<string, string>;
  readonly kept: Kept;
}

/** Reads a multipart form with one file, its parts in any order; the file streams. Throws naming the field at fault. */
export async function receiveForm<Kept>(
  request: FastifyRequest,
  reader: FormReader<Kept>,
): Promise<Form<Kept>> {
  if (!request.isMultipart())
    throw new SluiceError("unsupported_media_type", "The request must be multipart/form-data.");
  const fields = new Map<string, string>();
  const kept: Kept[] = [];
  try {
    for await (const part of partsOf(request)) {
      if (part.type === "field") fields.set(part.fieldname, String(part.value));
      else kept.push(await keepFile(part, reader, { fields, isFirst: kept.length === 0 }));
    }
  } catch (error) {
    await readAway(request.raw);
    throw error;
  }
  const [only] = kept;
  if (only === undefined) throw missing(reader.field);
  return { fields, kept: only };
}

/** A parameter that must be there and is not. */
export function missing(param: string): SluiceError {
  return new SluiceError("missing_required_parameter", `Missing required parameter: '${param}'.`, { param });
}

async function* partsOf(request: FastifyRequest): AsyncGenerator<Multipart> {
  try {
    yield* request.parts();
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    throw brokenForm(error);
  }
}

function brokenForm(cause: unknown): SluiceError {
  return new SluiceError("invalid_multipart", "The multipart body is not complete or not valid.", { cause });
}

interface Before {
  readonly fields: ReadonlyMap<string, string>;
  readonly isFirst: boolean;
}

async function keepFile<Kept>(
  part: MultipartFile,
  { field, keep }: FormReader<Kept>,
  { fields, isFirst }: Before,
): Promise<Kept> {
  if (part.fieldname !== field || !isFirst) {
    part.file.resume();
    throw new SluiceError("invalid_multipart", `There must be one file, in the part '${field}'.`, {
      param: field,
    });
  }
  try {
    return await keep(part.file, part.filename, fields);
  } catch (error) {
    throw error === part.file.errored ? brokenForm(error) : error;
  }
}
