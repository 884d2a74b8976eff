/** The prefixes of public ids; the rest of an id is a UUIDv7 in its usual spelling. */
export const idPrefixes = {
  job: "job_",
  batch: "batch_",
  messageBatch: "msgbatch_",
  file: "file-",
  upload: "upload_",
  uploadPart: "part_",
  event: "evt_",
  delivery: "dlv_",
  worker: "wrk_",
  apiKey: "key_",
  webhookEndpoint: "we_",
  response: "resp_",
  request: "req_",
} as const;

export type IdKind = keyof typeof idPrefixes;

type Id<Kind extends IdKind> = `${(typeof idPrefixes)[Kind]}${string}`;

export type JobId = Id<"job">;
export type ResponseId = Id<"response">;
export type BatchId = Id<"batch">;
/** How Anthropic's API names a batch; inside it is known by its {@link BatchId}, which has the same UUID. */
export type MessageBatchId = Id<"messageBatch">;
export type FileId = Id<"file">;
export type UploadId = Id<"upload">;
export type UploadPartId = Id<"uploadPart">;
export type EventId = Id<"event">;
export type DeliveryId = Id<"delivery">;
export type WorkerId = Id<"worker">;
export type ApiKeyId = Id<"apiKey">;
export type WebhookEndpointId = Id<"webhookEndpoint">;

/** A tenant's name, chosen by an operator: 1–64 characters of `a-z 0-9 _ -`. */
export type TenantId = string & { readonly brand: "TenantId" };

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Casts an operator's tenant name. Throws on a name that is not 1–64 of `a-z 0-9 _ -`. */
export function tenantId(name: string): TenantId {
  if (!/^[a-z0-9_-]{1,64}$/.test(name)) throw new TypeError(`"${name}" is not a tenant name`);
  return name as TenantId;
}

/** Puts the prefix of `kind` before a UUID. */
export function idFromUuid<Kind extends IdKind>(kind: Kind, uuid: string): Id<Kind> {
  return `${idPrefixes[kind]}${uuid}` as Id<Kind>;
}

/** The UUID inside an id, or `undefined` when `text` is not a well-formed id of `kind`. */
export function parseId(kind: IdKind, text: string): string | undefined {
  const prefix = idPrefixes[kind];
  if (!text.startsWith(prefix)) return undefined;
  const uuid = text.slice(prefix.length);
  return uuidPattern.test(uuid) ? uuid : undefined;
}

/** Whether `text` is a well-formed id of `kind`. */
export function isId<Kind extends IdKind>(kind: Kind, text: string): text is Id<Kind> {
  return parseId(kind, text) !== undefined;
}

/** The response that a job's result is read as; its job is {@link jobOfResponse}. */
export function responseOfJob(id: JobId): ResponseId {
  return idFromUuid("response", uuidOf("job", id));
}

/** The job whose result is read as this response. */
export function jobOfResponse(id: ResponseId): JobId {
  return idFromUuid("job", uuidOf("response", id));
}

/** The UUID inside an id. Throws on anything else: ids from outside pass {@link isId} first. */
export function uuidOf(kind: IdKind, id: string): string {
  const uuid = parseId(kind, id);
  if (uuid === undefined) throw new TypeError(`not an id of a ${kind}`);
  return uuid;
}

/** The batch that an id of OpenAI's or Anthropic's API names, or `undefined` when it is none. */
export function parseBatchId(text: string): BatchId | undefined {
  const uuid = parseId("batch", text) ?? parseId("messageBatch", text);
  return uuid === undefined ? undefined : idFromUuid("batch", uuid);
}

/** The moment (ms since 1970) that a UUIDv7 carries in its first 48 bits (RFC 9562 §5.7). */
export function timeOfUuid(uuid: string): number {
  return Number.parseInt(uuid.slice(0, 8) + uuid.slice(9, 13), 16);
}

/** The least UUIDv7 of a moment: the bound of a range of ids by time. */
export function firstUuidAt(epochMs: number): string {
  const hex = Math.max(0, Math.floor(epochMs)).toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}

export interface IdSource {
  /** A new UUIDv7; ids of one source increase strictly, also within a millisecond. */
  uuid(): string;
}

const idRandomBytes = 8;

/**
 * Makes UUIDv7s (RFC 9562 §6.2 method 1: the 12 bits after the version count within a millisecond).
 * A clock that steps back is not followed: ids go on from the last moment seen.
 */
export function createIdSource(
  clock: { now(): number },
  randomBytes: (size: number) => Uint8Array,
): IdSource {
  let lastMs = 0;
  let counter = 0;
  let pool = Buffer.alloc(0);
  // A call of the system's source costs more than the bytes: draw for many ids at once.
  const draw = (): Buffer => {
    if (pool.length < idRandomBytes) pool = Buffer.from(randomBytes(idRandomBytes * 128));
    const drawn = pool.subarray(0, idRandomBytes);
    pool = pool.subarray(idRandomBytes);
    return drawn;
  };
  return {
    uuid() {
      const now = Math.floor(clock.now());
      if (now > lastMs) {
        lastMs = now;
        counter = 0;
      } else if (++counter > 0xfff) {
        lastMs += 1;
        counter = 0;
      }
      const time = lastMs.toString(16).padStart(12, "0");
      const random = draw();
      random[0] = ((random[0] ?? 0) & 0x3f) | 0x80;
      const tail = random.toString("hex");
      const count = counter.toString(16).padStart(3, "0");
      return `${time.slice(0, 8)}-${time.slice(8)}-7${count}-${tail.slice(0, 4)}-${tail.slice(4)}`;
    },
  };
}
