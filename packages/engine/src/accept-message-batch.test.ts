import {
  type AcceptResult,
  type BatchSpec,
  type FileRecord,
  type IdempotencyClaim,
  SluiceError,
  tenantId,
} from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { createFakeClock } from "../../../test/kit/fakes/fake-clock.ts";
import { createMemoryFiles } from "../../../test/kit/fakes/memory-files.ts";
import { createMemoryIdQueue } from "../../../test/kit/fakes/memory-lanes.ts";
import { createCountingIds, createRecordingLogger } from "../../../test/kit/fakes/records.ts";
import { sampleConfig } from "../../../test/kit/samples.ts";
import { acceptMessageBatch, type NewMessageRequest } from "./accept-message-batch.ts";

type Asked = Parameters<typeof acceptMessageBatch>[1];

const requestOf = (customId: string): NewMessageRequest => ({ customId, params: Buffer.from("{}") });

async function* inGroups(...groups: (readonly string[])[]) {
  for (const group of groups) yield group.map(requestOf);
}

function setup(endpoints: readonly string[] = ["/v1/messages"]) {
  const base = sampleConfig();
  const pools = Object.fromEntries(
    Object.entries(base.pools).map(([name, pool]) => [
      name,
      { ...pool, targets: pool.targets.map((target) => ({ ...target, endpoints })) },
    ]),
  );
  const config = { ...base, pools };
  const created: { spec: BatchSpec; claim: IdempotencyClaim | undefined; input: FileRecord | undefined }[] =
    [];
  const claims: string[] = [];
  const state: { claimed: AcceptResult | undefined } = { claimed: undefined };
  const files = createMemoryFiles();
  const ports = {
    ledger: {
      async createBatch(
        spec: BatchSpec,
        claim?: IdempotencyClaim,
        input?: FileRecord,
      ): Promise<AcceptResult> {
        created.push({ spec, claim, input });
        return { kind: "accepted" };
      },
      findBatch: async () => undefined,
      findClaim: async () => state.claimed,
      findFile: async () => undefined,
      claimContent: async (key: string) => void claims.push(key),
    },
    files,
    batches: createMemoryIdQueue(),
    ids: createCountingIds(),
    clock: createFakeClock(),
    logger: createRecordingLogger(),
    config: () => config,
  };
  const accept = (changes: Partial<Asked> = {}) =>
    acceptMessageBatch(ports, {
      tenantId: tenantId("default"),
      keyId: "key_1",
      requests: inGroups(["a", "b"], ["c"]),
      keepRequest: ({ customId }) => Buffer.from(`${customId}\n`),
      mostRequests: 3,
      idempotency: () => undefined,
      render: (spec) => `{"lines":${spec.lines}}`,
      ...changes,
    });
  return { ...ports, accept, created, claims, state };
}

describe("a message batch", () => {
  test("is recorded with its requests as an input of its own, for 24 hours", async () => {
    const { accept, created, files, claims, batches, clock } = setup();
    expect(await accept()).toEqual({ result: { kind: "accepted" }, body: '{"lines":3}' });
    const { spec, input } = created[0] ?? {};
    expect(spec).toMatchObject({
      dialect: "anthropic",
      endpoint: "/v1/messages",
      lines: 3,
      sla: "batch",
      keyId: "key_1",
      expiresAt: clock.now() + 86_400_000,
    });
    const [key = ""] = claims;
    expect(input).toMatchObject({ id: spec?.inputFileId, content: { kind: "stored", key }, bytes: 6 });
    expect(files.contents.get(key)?.toString()).toBe("a\nb\nc\n");
    expect(batches.ids).toEqual([spec?.id]);
  });

  test("is what its headers say", async () => {
    const { accept, created, clock } = setup();
    await accept({ sla: "standard", priority: 4, deadline: "2h", webhookUrl: "https://example.com/" });
    expect(created[0]?.spec).toMatchObject({
      sla: "standard",
      priority: 4,
      expiresAt: clock.now() + 7_200_000,
      webhookUrl: "https://example.com/",
    });
    await expect(accept({ requests: inGroups(["a"]), priority: 12 })).rejects.toMatchObject({
      param: "priority",
    });
  });

  test.each([
    [
      [
        ["a", "b"],
        ["c", "d"],
      ],
      "payload_too_large",
      "requests",
    ],
    [[["a", "b"], ["a"]], "invalid_value", "requests.2.custom_id"],
    [[["a", "a"]], "invalid_value", "requests.1.custom_id"],
  ])("with %j is refused, and nothing of it is kept", async (groups, code, param) => {
    const { accept, created, files, claims } = setup();
    await expect(accept({ requests: inGroups(...groups) })).rejects.toMatchObject({ code, param });
    expect([created, claims, files.contents.size]).toEqual([[], [], 0]);
  });

  test("fails with what is wrong with its body, not with what the store makes of it", async () => {
    const { accept } = setup();
    async function* broken(): AsyncGenerator<NewMessageRequest[]> {
      yield [requestOf("a")];
      throw new SluiceError("invalid_json", "No.");
    }
    await expect(accept({ requests: broken() })).rejects.toMatchObject({ code: "invalid_json" });
  });

  test("is refused where no target could take a message", async () => {
    const { accept } = setup(["/v1/embeddings"]);
    await expect(accept()).rejects.toMatchObject({ code: "unsupported_endpoint" });
  });

  test("that would be refused now is answered like the one that it repeats", async () => {
    const { accept, state } = setup();
    state.claimed = { kind: "replayed", status: 200, body: "first" };
    const key = { route: "POST /v1/messages/batches", key: "k", bodySha256: Buffer.alloc(32) };
    const { result } = await accept({ priority: 12, idempotency: () => key });
    expect(result).toEqual(state.claimed);
  });

  test("claims its key with the digest that is known when all requests are read", async () => {
    const { accept, created } = setup();
    let isRead = false;
    async function* requests(): AsyncGenerator<NewMessageRequest[]> {
      yield [requestOf("a")];
      isRead = true;
    }
    const idempotency = () => {
      expect(isRead).toBe(true);
      return { route: "r", key: "k", bodySha256: Buffer.from("x") };
    };
    await accept({ requests: requests(), idempotency });
    expect(created[0]?.claim).toMatchObject({ key: "k", response: { status: 200, body: '{"lines":1}' } });
  });
});
