import { Readable } from "node:stream";
import {
  type AcceptResult,
  type BatchSpec,
  type FileRecord,
  type IdempotencyKey,
  idFromUuid,
  SluiceError,
  type StoredFile,
  type TenantId,
} from "@sluice/domain";
import { type AcceptBatchPorts, newBatch, recordBatch, requireEndpoint } from "./accept-batch.ts";
import { createCustomIds } from "./custom-ids.ts";
import { answerOfFirst } from "./repeated-call.ts";
import { type KeepContentPorts, keepContent } from "./uploads.ts";

export interface AcceptMessageBatchPorts extends Omit<AcceptBatchPorts, "ledger"> {
  readonly ledger: AcceptBatchPorts["ledger"] & KeepContentPorts["ledger"];
  readonly files: KeepContentPorts["files"];
}

/** A request as it came (contracts). */
export interface NewMessageRequest {
  readonly customId: string;
  readonly params: Buffer;
}

export interface AcceptMessageBatchRequest {
  readonly tenantId: TenantId;
  readonly keyId: string;
  /** Read once, as fast as the store takes them; throws what is wrong with the body. */
  readonly requests: AsyncIterable<readonly NewMessageRequest[]>;
  /** A request as a line of the input, newline included. */
  readonly keepRequest: (request: NewMessageRequest) => Buffer;
  readonly mostRequests: number;
  readonly sla?: string | undefined;
  readonly priority?: number | undefined;
  /** A duration from now or a moment, in place of 24 hours. */
  readonly deadline?: string | undefined;
  readonly webhookUrl?: string | undefined;
  readonly traceparent?: string | undefined;
  /** Asked when all requests have been read. */
  readonly idempotency: () => IdempotencyKey | undefined;
  /** The answer's body for a new batch. */
  readonly render: (spec: BatchSpec) => string;
}

/** Anthropic's. */
const lifeMs = 24 * 3_600_000;

/**
 * Streams the requests of a message batch into the file store, as the input of a batch that is then validated and run
 * like any other. Throws {@link SluiceError} naming the field at fault; nothing of the batch is kept then.
 */
export async function acceptMessageBatch(
  ports: AcceptMessageBatchPorts,
  request: AcceptMessageBatchRequest,
): Promise<{ result: AcceptResult; body: string }> {
  const { stored, lines } = await keepInput(ports, request);
  const idempotency = request.idempotency();
  let spec: BatchSpec;
  try {
    spec = specMessageBatch(ports, request, lines);
  } catch (refusal) {
    return { result: await answerOfFirst(ports, { ...request, idempotency }, refusal), body: "" };
  }
  const input = inputOf(spec, stored);
  return recordBatch(ports, spec, { idempotency, render: request.render, input });
}

async function keepInput(
  ports: AcceptMessageBatchPorts,
  { requests, keepRequest, mostRequests }: AcceptMessageBatchRequest,
): Promise<{ stored: StoredFile; lines: number }> {
  const customIds = createCustomIds();
  let lines = 0;
  let fault: unknown;

  function take({ customId }: NewMessageRequest): void {
    if (lines === mostRequests) throw tooMany(mostRequests);
    const first = customIds.add(customId, lines + 1);
    if (first !== undefined) throw duplicate(lines, first - 1);
    lines += 1;
  }

  async function* input(): AsyncGenerator<Buffer> {
    try {
      for await (const group of requests) {
        for (const each of group) take(each);
        yield Buffer.concat(group.map(keepRequest));
      }
    } catch (error) {
      fault = error;
      throw error;
    }
  }

  // A store may wrap what its source throws.
  const stored = await keepContent(
    ports,
    Readable.from(input(), { objectMode: false }),
    Number.MAX_SAFE_INTEGER,
  ).catch((error: unknown) => {
    throw fault ?? error;
  });
  return { stored, lines };
}

function tooMany(most: number): SluiceError {
  return new SluiceError("payload_too_large", `A batch may have at most ${most} requests.`, {
    param: "requests",
  });
}

function duplicate(index: number, first: number): SluiceError {
  const param = `requests.${index}.custom_id`;
  return new SluiceError("invalid_value", `'${param}' is that of requests.${first} already.`, { param });
}

function specMessageBatch(
  ports: AcceptMessageBatchPorts,
  request: AcceptMessageBatchRequest,
  lines: number,
): BatchSpec {
  const endpoint = "/v1/messages";
  requireEndpoint(ports.config(), endpoint);
  return {
    ...newBatch(ports, request, lifeMs),
    dialect: "anthropic",
    lines,
    inputFileId: idFromUuid("file", ports.ids.uuid()),
    endpoint,
    completionWindow: "24h",
    metadata: undefined,
    routing: {},
    webhookUrl: request.webhookUrl,
    webhookJobs: false,
    maxSpendUsd: undefined,
    stopOnErrorRate: undefined,
  };
}

function inputOf(spec: BatchSpec, { key, bytes }: StoredFile): FileRecord {
  return {
    id: spec.inputFileId,
    tenantId: spec.tenantId,
    filename: "requests.jsonl",
    purpose: "batch",
    bytes,
    createdAt: spec.createdAt,
    expiresAt: undefined,
    content: { kind: "stored", key },
  };
}
