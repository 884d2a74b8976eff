import { type Reservation, type ReserveRequest, type Target, tenantId } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { sampleTarget } from "./samples.ts";
import { requestOf, type WaitingUnderTest } from "./waiting-conformance.ts";

const used = { inputTokens: 10, outputTokens: 10, costUsd: 0, sentAfterMs: 0 };

/** A job of a tenant: number, tenant, and what else differs from the usual 10 + 10 tokens. */
interface Asker {
  readonly n: number;
  readonly of: string;
  readonly output?: number;
  readonly weight?: number;
}

function start({ capacity, woken, clock }: WaitingUnderTest, target: Target) {
  function request({ n, of, output = 10, weight = 1 }: Asker): ReserveRequest {
    const plain = requestOf(n, target, { outputTokens: output, tenant: { id: tenantId(of), limits: {} } });
    if (plain.turn === undefined) throw new Error("no turn");
    return { ...plain, turn: { ...plain.turn, weight } };
  }
  const outputs = new Map<string, number>();
  async function granted(asker: Asker): Promise<Reservation> {
    const answer = await capacity.reserve(request(asker));
    if (answer.kind === "denied") throw new Error(`${asker.of} ${asker.n} was denied by ${answer.limit}`);
    outputs.set(answer.reservation.id, asker.output ?? 10);
    return answer.reservation;
  }
  async function park(asker: Asker): Promise<void> {
    const asked = request(asker);
    const answer = await capacity.reserve(asked);
    if (answer.kind === "granted" || asked.turn === undefined) throw new Error("granted");
    await capacity.park(asked.turn, [{ request: asked, limit: answer.limit, waitMs: answer.waitMs }]);
  }
  /** Ends the call under way; the one whose turn it is comes, as its number says. */
  async function next(running: Reservation, askers: readonly Asker[]) {
    await capacity.settle(running, { ...used, outputTokens: outputs.get(running.id) });
    const [first] = woken.splice(0).map(({ jobId }) => Number(jobId.slice(-12)));
    const asker = askers.find(({ n }) => n === first);
    if (asker === undefined) throw new Error("nobody was woken");
    return { asker, reservation: await granted(asker) };
  }
  /** The tenants that are served one after the other until nobody waits. */
  async function serve(running: Reservation, askers: readonly Asker[]): Promise<string> {
    let order = "";
    let reservation = running;
    for (const _ of askers) {
      const served = await next(reservation, askers);
      order += served.asker.of;
      reservation = served.reservation;
    }
    return order;
  }
  return { capacity, clock, woken, granted, park, next, serve, request };
}

function crew(of: string, from: number, count: number, changes: Partial<Asker> = {}): Asker[] {
  return Array.from({ length: count }, (_, i) => ({ n: from + i, of, ...changes }));
}

/** How tenants that wait for one target take turns; `create` makes an empty capacity. */
export function fairOrderConformance(name: string, create: () => Promise<WaitingUnderTest>): void {
  // One place, and calls of 20 tokens: the slack is one usual call, as no token limit is stated.
  const one = sampleTarget("one", { limits: { concurrency: 1 } });
  const setup = async (target = one) => {
    const kit = start(await create(), target);
    return { ...kit, running: await kit.granted({ n: 0, of: "z" }) };
  };

  describe(`${name} lets tenants take turns`, () => {
    test("a tenant alone goes by deadline", async () => {
      const { running, park, serve } = await setup();
      const all = [3, 1, 2].map((n) => ({ n, of: "a" }));
      for (const asker of all) await park(asker);
      expect(await serve(running, all)).toBe("aaa");
    });

    test("with earlier deadlines one is ahead by a slack and a call, and then they alternate", async () => {
      const { running, park, serve } = await setup();
      const all = [...crew("a", 1, 6), ...crew("b", 101, 4)];
      for (const asker of all) await park(asker);
      expect(await serve(running, all)).toBe("aababababa");
    });

    test("what is within the slack goes to the earliest deadline, whoever is behind", async () => {
      const { running, park, serve } = await setup();
      const all = [...crew("a", 1, 1), ...crew("b", 2, 1), ...crew("a", 3, 1), ...crew("b", 4, 1)];
      for (const asker of all) await park(asker);
      expect(await serve(running, all)).toBe("abab");
    });

    test("by weight", async () => {
      const { running, park, serve } = await setup();
      const all = [...crew("a", 1, 4), ...crew("b", 101, 6, { weight: 2 })];
      for (const asker of all) await park(asker);
      expect(await serve(running, all)).toBe("aabbabbabb");
    });

    test("by tokens: one large call counts like many small ones", async () => {
      const { running, park, serve } = await setup();
      const all = [...crew("a", 1, 3, { output: 90 }), ...crew("b", 101, 12)];
      for (const asker of all) await park(asker);
      expect(await serve(running, all)).toBe("abbbbabbbbbabbb");
    });

    test("what a tenant did not use is not kept for it", async () => {
      const { running, park, serve, next } = await setup();
      const early = crew("a", 1, 12);
      for (const asker of early) await park(asker);
      let now = running;
      for (let round = 0; round < 6; round += 1) now = (await next(now, early)).reservation;
      const late = crew("b", 101, 3);
      for (const asker of late) await park(asker);
      const all = [...early.slice(6), ...late];
      expect(await serve(now, all)).toBe("aababab" + "aa");
    });

    test("one that comes back again and again brings no new slack with it", async () => {
      const { running, park, next } = await setup();
      const late = crew("b", 101, 4);
      for (const asker of late) await park(asker);
      let now = running;
      let order = "";
      for (let round = 1; round <= 6; round += 1) {
        // `a` has one job at a time, each more urgent than all of `b`.
        const single = { n: round, of: "a" };
        await park(single);
        const served = await next(now, [single, ...late]);
        now = served.reservation;
        order += served.asker.of;
        if (served.asker.of === "b") {
          now = (await next(now, [single, ...late])).reservation;
          order += "a";
        }
      }
      expect(order).toMatch(/^aaba/);
      expect(order.match(/aaa/)).toBeNull();
    });

    test("one whose jobs come one at a time has its share all the same", async () => {
      const { running, park, next } = await setup();
      const early = crew("a", 1, 12);
      for (const asker of early) await park(asker);
      let now = running;
      let order = "";
      let late = { n: 101, of: "b" };
      await park(late);
      for (let round = 0; round < 10; round += 1) {
        const served = await next(now, [...early, late]);
        now = served.reservation;
        order += served.asker.of;
        if (served.asker.n !== late.n) continue;
        late = { n: late.n + 1, of: "b" };
        await park(late);
      }
      expect(order).toBe("aabababab" + "a");
    });

    test("one whose only waiter looks and parks again has not stopped waiting", async () => {
      const { running, park, next, serve } = await setup();
      const early = crew("a", 1, 8);
      for (const asker of early) await park(asker);
      const late = crew("b", 101, 2);
      await park({ n: 101, of: "b" });
      const now = (await next((await next(running, early)).reservation, early)).reservation;
      await park({ n: 101, of: "b" });
      await park({ n: 102, of: "b" });
      expect(await serve(now, [...early.slice(2), ...late])).toMatch(/^bab/);
    });

    test("small jobs of others do not starve a large one whose turn it is", async () => {
      const target = sampleTarget("tokens", { limits: { tokensPerMinute: 6_000 } });
      const kit = start(await create(), target);
      const running = await kit.granted({ n: 0, of: "z", output: 5_700 });
      await kit.park({ n: 1, of: "b", output: 5_000 });
      for (let n = 2; n < 12; n += 1) await kit.park({ n, of: "a" });
      expect(kit.woken).toEqual([]);
      await kit.capacity.settle(running, { ...used, outputTokens: 4_000 });
      expect(kit.woken).toEqual([]);
      kit.clock.advance(60_000);
      const small = await kit.capacity.reserve(kit.request({ n: 2, of: "a" }));
      expect(small).toMatchObject({ kind: "granted" });
      expect(kit.woken[0]?.jobId.slice(-3)).toBe("001");
    });

    test("a tenant that has left holds nobody back", async () => {
      const { running, park, serve, capacity } = await setup();
      const all = crew("a", 1, 6);
      for (const asker of all) await park(asker);
      const gone = { n: 101, of: "b" };
      await park(gone);
      const { turn } = requestOf(101, one);
      if (turn === undefined) throw new Error("no turn");
      await capacity.leave(turn);
      expect(await serve(running, all)).toBe("aaaaaa");
    });
  });
}
