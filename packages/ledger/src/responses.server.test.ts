import {
  eventTypes,
  idFromUuid,
  type JobSpec,
  responseOfJob,
  type Settlement,
  tenantId,
} from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { lineBytesOf, success, t0, tenant } from "./testing/setup.ts";
import { setup } from "./testing/webhooks.ts";

const url = "https://hook.example/";
const background = { response: "background", webhookUrl: url } as const;

describe("a response", () => {
  test("is the job that was made for it, with what it goes on from, and nobody else's", async () => {
    const { ledger, accepted, source } = await setup();
    const previousResponse = idFromUuid("response", source.uuid());
    const job = await accepted({ response: "stored", previousResponse });
    const id = responseOfJob(job.id);
    expect(await ledger.findResponse(tenant, id)).toMatchObject({
      id: job.id,
      response: "stored",
      previousResponse,
    });
    expect(await ledger.findResponse(tenantId("other"), id)).toBeUndefined();
    const plain = await accepted();
    expect(await ledger.findResponse(tenant, responseOfJob(plain.id))).toBeUndefined();
  });

  test("is out of sight once it is deleted, and its job is not", async () => {
    const { ledger, accepted } = await setup();
    const job = await accepted({ response: "background" });
    const id = responseOfJob(job.id);
    expect(await ledger.deleteResponse(tenantId("other"), id, t0)).toBe(false);
    expect(await ledger.deleteResponse(tenant, id, t0)).toBe(true);
    expect(await ledger.deleteResponse(tenant, id, t0)).toBe(false);
    expect(await ledger.findResponse(tenant, id)).toBeUndefined();
    expect(await ledger.findJob(tenant, job.id)).toMatchObject({ state: "queued" });
  });
});

/** Deliveries of a job's end as `type url`, in no order, and what each event is about. */
async function setupEvents() {
  const s = await setup();
  async function told(ids: readonly (`dlv_${string}` | undefined)[]) {
    const all = await Promise.all(ids.map((id) => s.due(id)));
    return all.map(({ event, url: to }) => ({ type: event.type, to, about: event.objectId, id: event.id }));
  }
  async function settled(
    job: Partial<JobSpec>,
    ending: Partial<Extract<Settlement["next"], { kind: "end" }>>,
  ) {
    const run = await s.started(job);
    const settlement = success(run, s.newIds());
    const next = { ...settlement.next, ...ending } as Settlement["next"];
    const [result] = await s.ledger.settle([{ ...settlement, next }]);
    if (result?.kind !== "recorded") throw new Error("fenced");
    return { job: run.job, told: await told(result.deliveryIds) };
  }
  return { ...s, told, settled };
}

describe("the end of a background response", () => {
  test.each([
    ["succeeded", "completed", "completed"],
    ["succeeded", "incomplete", "incomplete"],
    ["succeeded", "failed", "failed"],
    ["failed", "completed", "failed"],
    ["dead", undefined, "failed"],
    ["expired", undefined, "failed"],
    ["cancelled", undefined, "cancelled"],
  ] as const)("of a job that has %s with %s is told as %s", async (state, responseEnding, ending) => {
    const { settled } = await setupEvents();
    const { job, told } = await settled(background, { state, responseEnding });
    expect(told).toEqual([
      { type: `response.${ending}`, to: url, about: responseOfJob(job.id), id: expect.any(String) },
    ]);
  });

  test("is told to endpoints beside its job's, each under an id of its own; to its url, only the response's", async () => {
    const { settled, endpoint, ledger } = await setupEvents();
    await endpoint({ url: "https://all.example/", eventTypes: [...eventTypes] });
    await endpoint({ url: "https://jobs.example/", eventTypes: ["job.succeeded"] });
    const { job, told } = await settled(background, {});
    expect(told.map(({ type, to, about }) => [type, to, about]).toSorted()).toEqual([
      ["job.succeeded", "https://all.example/", job.id],
      ["job.succeeded", "https://jobs.example/", job.id],
      ["response.completed", "https://all.example/", responseOfJob(job.id)],
      ["response.completed", url, responseOfJob(job.id)],
    ]);
    expect(new Set(told.map(({ id }) => id)).size).toBe(2);
    expect(await ledger.findResponse(tenant, responseOfJob(job.id))).toMatchObject({ state: "succeeded" });
  });

  test("that its owner cancels is told too; a stored response and a plain job have only their job's event", async () => {
    const { ledger, accepted, told, settled, newIds, endpoint } = await setupEvents();
    await endpoint({ eventTypes: [...eventTypes] });
    const job = await accepted({ response: "background" });
    const cancelled = await ledger.cancelJob(tenant, job.id, t0, newIds(), lineBytesOf);
    const types = (events: { type: string }[]) => events.map(({ type }) => type).toSorted();
    expect(types(await told(cancelled?.deliveryIds ?? []))).toEqual(["job.cancelled", "response.cancelled"]);
    expect(types((await settled({ response: "stored" }, {})).told)).toEqual(["job.succeeded"]);
    expect(types((await settled({}, {})).told)).toEqual(["job.succeeded"]);
  });
});
