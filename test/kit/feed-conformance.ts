import { type FeedLedger, type FeedWish, type JobSpec, tenantId, type WindowLedger } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { sampleMoment } from "./samples.ts";

/** Where a job stands that a test puts into the ledger: parked until, or a retry due at, this moment. */
export type Standing =
  | { readonly kind: "unfed" | "laned" | "running" }
  | { readonly kind: "parked" | "retry"; readonly at: number };

/** A ledger whose leader has `epoch`. */
export interface FeedUnderTest {
  readonly ledger: FeedLedger & WindowLedger;
  readonly epoch: number;
  put(standing: Standing, changes?: Partial<JobSpec>): Promise<JobSpec>;
}

const t0 = sampleMoment;
const other = tenantId("other");
const unfed = { kind: "unfed" } as const;
const laned = { kind: "laned" } as const;

const wish = (changes: Partial<FeedWish> = {}): FeedWish => ({
  candidateSet: "set",
  room: 10,
  express: 0,
  expressPlaces: 1,
  ...changes,
});

/** What every ledger must answer those who feed lanes from it; `create` makes an empty one. */
export function feedConformance(name: string, create: () => Promise<FeedUnderTest>): void {
  async function setup() {
    const under = await create();
    const due = (n: number) => ({ effectiveDeadlineAt: t0 + n, tokens: n });
    async function putMany(count: number, changes: Partial<JobSpec> = {}): Promise<JobSpec[]> {
      const jobs: JobSpec[] = [];
      while (jobs.length < count) jobs.push(await under.put(unfed, changes));
      return jobs;
    }
    return { ...under, due, putMany };
  }

  describe(`${name}: the windows`, () => {
    test("are those of the sets that have unfed jobs, and none when nothing is unfed", async () => {
      const { ledger, put, due } = await setup();
      await put(laned, { candidateSet: "fed" });
      expect(await ledger.unfedWindows(t0)).toEqual([]);
      await put(unfed, { candidateSet: "b", ...due(7) });
      await put(unfed, { candidateSet: "b", ...due(5), tenantId: other });
      await put(unfed, { candidateSet: "", ...due(9) });
      const windows = await ledger.unfedWindows(t0);
      expect(windows.toSorted((a, b) => b.earliestUnfedAt - a.earliestUnfedAt)).toEqual([
        { candidateSet: "", tenants: [], latestDeadlineAt: undefined, earliestUnfedAt: t0 + 9 },
        { candidateSet: "b", tenants: [], latestDeadlineAt: undefined, earliestUnfedAt: t0 + 5 },
      ]);
    });

    test("hold what is laned and does not run, by tenant, with what is parked", async () => {
      const { ledger, put, due } = await setup();
      await put(unfed);
      await put({ kind: "running" });
      await put(laned, due(5));
      await put({ kind: "parked", at: t0 }, due(7));
      await put(laned, { ...due(100), tenantId: other });
      await put(laned, { ...due(101), candidateSet: "elsewhere" });
      const [window, ...none] = await ledger.unfedWindows(t0);
      expect(none).toEqual([]);
      expect(window).toMatchObject({ candidateSet: "set", latestDeadlineAt: t0 + 100 });
      expect(window?.tenants.toSorted((a, b) => a.jobs - b.jobs)).toEqual([
        { tenantId: other, jobs: 1, parked: 0, tokens: 100 },
        { tenantId: "default", jobs: 2, parked: 1, tokens: 12 },
      ]);
    });

    test("do not hold retries that are due only later, but parked jobs whenever they look again", async () => {
      const { ledger, put } = await setup();
      await put(unfed);
      await put({ kind: "parked", at: t0 + 60_000 });
      await put({ kind: "retry", at: t0 + 5_000 });
      const jobsAt = async (at: number) => (await ledger.unfedWindows(at))[0]?.tenants[0]?.jobs;
      expect([await jobsAt(t0 + 4_999), await jobsAt(t0 + 5_000)]).toEqual([1, 2]);
    });
  });

  describe(`${name}: the heads of a backlog`, () => {
    test("are each tenant's most urgent jobs, four times the room in all and at least one of each", async () => {
      const { ledger, put, putMany, due } = await setup();
      for (const n of [5, 3, 4, 1, 2]) await put(unfed, due(n));
      for (const tenant of ["b", "c", "d", "e"]) await putMany(3, { tenantId: tenantId(tenant) });
      await putMany(2, { candidateSet: "elsewhere" });
      const read = async (room: number) => {
        const [heads, ...none] = await ledger.unfedHeads([wish({ room })], t0);
        expect([heads?.candidateSet, none]).toEqual(["set", []]);
        return heads?.flows.toSorted((a, b) => (a.tenantId < b.tenantId ? -1 : 1)) ?? [];
      };
      const few = await read(2);
      expect(few.map(({ tenantId, jobs, more }) => [tenantId, jobs.length, more])).toEqual(
        ["b", "c", "d", "default", "e"].map((tenant) => [tenant, 2, true]),
      );
      expect(few[3]?.jobs).toMatchObject([
        { tenantId: "default", candidateSet: "set", tokens: 1 },
        { tenantId: "default", candidateSet: "set", tokens: 2 },
      ]);
      const all = await read(100);
      expect(all.map(({ jobs, more }) => [jobs.length, more])).toEqual(
        [3, 3, 3, 5, 3].map((count) => [count, false]),
      );
    });

    test("that go express are more urgent than the window's job at that place", async () => {
      const { ledger, put, due } = await setup();
      for (const n of [10, 20, 30]) await put(laned, due(n));
      for (const n of [25, 19, 5, 20]) await put(unfed, due(n));
      const expressTo = async (expressPlaces: number, express = 9) => {
        const [heads] = await ledger.unfedHeads([wish({ room: 0, express, expressPlaces })], t0);
        expect(heads?.flows ?? []).toEqual([]);
        return heads?.express.map(({ tokens }) => tokens);
      };
      expect(await expressTo(2)).toEqual([5, 19]);
      expect(await expressTo(3)).toEqual([5, 19, 20, 25]);
      expect(await expressTo(3, 1)).toEqual([5]);
      // Nobody stands at the fourth place: the window is not even full.
      expect((await expressTo(4)) ?? []).toEqual([]);
    });

    test("are read for many sets at once", async () => {
      const { ledger, putMany } = await setup();
      const sets = ['a"\\', "b", "none"].map((candidateSet) => wish({ candidateSet }));
      await putMany(2, { candidateSet: 'a"\\' });
      await putMany(1, { candidateSet: "b" });
      const heads = await ledger.unfedHeads(sets, t0);
      expect(heads.map(({ candidateSet, flows }) => [candidateSet, flows[0]?.jobs.length]).sort()).toEqual([
        ['a"\\', 2],
        ["b", 1],
      ]);
    });
  });

  describe(`${name}: a late job`, () => {
    const late = { acceptedAt: t0, deadlineAt: t0 + 100, effectiveDeadlineAt: t0 + 100 };
    const still = { ...late, onMiss: "best_effort" } as const;

    async function setupLate() {
      const under = await setup();
      const { ledger, epoch } = under;
      const defer = (now: number) => ledger.deferLate(epoch, ["set"], t0 + now);
      const earliest = async () => {
        const [level] = await ledger.windowLevels([{ candidateSet: "set", place: 1 }], t0);
        return (level?.earliestUnfedAt ?? t0) - t0;
      };
      return { ...under, defer, earliest };
    }

    test("that is still wanted stands back until twice its age, again and again", async () => {
      const { put, defer, earliest } = await setupLate();
      await put(unfed, still);
      expect([await defer(99), await earliest()]).toEqual([0, 100]);
      expect([await defer(110), await earliest()]).toEqual([1, 220]);
      expect([await defer(219), await earliest()]).toEqual([0, 220]);
      expect([await defer(300), await earliest()]).toEqual([1, 600]);
    });

    test("goes out with the deadline it has now", async () => {
      const { ledger, epoch, put, defer } = await setupLate();
      const { id } = await put(unfed, still);
      await defer(110);
      expect(await ledger.markLaned(epoch, [id])).toMatchObject([{ effectiveDeadlineAt: t0 + 220 }]);
    });

    test("keeps its place if it will expire, is fed already, is of another set or only urgent", async () => {
      const { put, defer, earliest, ledger } = await setupLate();
      await put(unfed, { ...late, onMiss: "expire" });
      await put(laned, still);
      await put(unfed, { ...still, candidateSet: "elsewhere" });
      await put(unfed, { ...still, deadlineAt: t0 + 1_000 });
      expect([await defer(110), await earliest()]).toEqual([0, 100]);
      const [elsewhere] = await ledger.windowLevels([{ candidateSet: "elsewhere", place: 1 }], t0);
      expect(elsewhere?.earliestUnfedAt).toBe(t0 + 100);
    });
  });

  describe(`${name}: a job`, () => {
    test("is laned once, and its pointer comes with the most urgent first", async () => {
      const { ledger, epoch, putMany, put, due } = await setup();
      const jobs = [...(await putMany(5)), await put(unfed, { ...due(1), model: "b" })];
      const ids = jobs.map(({ id }) => id);
      const pointers = await ledger.markLaned(epoch, ids);
      expect(pointers[0]).toMatchObject({ jobId: ids[5], model: "b", effectiveDeadlineAt: t0 + 1 });
      expect(pointers.map(({ jobId }) => jobId).sort()).toEqual(ids.toSorted());
      expect(await ledger.markLaned(epoch, ids)).toEqual([]);
      expect(await ledger.unfedWindows(t0)).toEqual([]);
    });

    test("stands for the targets of its set, fed or not", async () => {
      const { ledger, put, putMany } = await setup();
      const fed = await put(laned, { candidateSet: "a" });
      expect(await ledger.sampleJobs(["a"])).toEqual([fed]);
      const sample = await put(unfed, { candidateSet: "a", metadata: { k: "v" } });
      await putMany(2, { candidateSet: "b" });
      const samples = await ledger.sampleJobs(["a", "b", "none"]);
      expect(samples.map(({ candidateSet }) => candidateSet).sort()).toEqual(["a", "b"]);
      expect(samples.find(({ candidateSet }) => candidateSet === "a")).toEqual(sample);
    });
  });

  describe(`${name}: the level of a window`, () => {
    const empty = { candidateSet: "set", jobs: 0, tokens: 0 };
    const nothing = { earliestUnfedAt: undefined, placeDeadlineAt: undefined };

    test("is asked for by set, whether anything is there or not", async () => {
      const { ledger } = await setup();
      const levels = await ledger.windowLevels([{ candidateSet: "set", place: 1 }], t0);
      expect(levels).toEqual([{ ...empty, ...nothing }]);
      expect(await ledger.windowLevels([], t0)).toEqual([]);
    });

    test("says what stands in it, who stands at a place, and how urgent the backlog is", async () => {
      const { ledger, put, due } = await setup();
      for (const n of [30, 10, 20]) await put(laned, due(n));
      await put({ kind: "running" });
      const at = async (place: number) =>
        (await ledger.windowLevels([{ candidateSet: "set", place }], t0))[0];
      const three = { ...empty, jobs: 3, tokens: 60, ...nothing };
      expect(await at(2)).toEqual({ ...three, placeDeadlineAt: t0 + 20 });
      await put(unfed, due(8));
      await put(unfed, { ...due(6), tenantId: other });
      expect(await at(4)).toEqual({ ...three, earliestUnfedAt: t0 + 6 });
    });
  });
}
