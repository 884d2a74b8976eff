import { array, assert, constantFrom, integer, property, record, uniqueArray } from "fast-check";
import { describe, expect, test } from "vitest";
import { type Deficits, type Flow, fillWindow } from "./fair-window.ts";

const none: Deficits = new Map();

type NamedFlow = Flow & { readonly jobs: readonly { readonly id: string; readonly tokens: number }[] };

function flow(tenant: string, tokens: readonly number[], changes: Partial<NamedFlow> = {}): NamedFlow {
  const jobs = tokens.map((count, index) => ({ id: `${tenant}${index + 1}`, tokens: count }));
  return { tenant, weight: 1, jobs, more: false, parked: 0, ...changes };
}

function idsOf(flows: readonly NamedFlow[], room: number, { deficits = none, places = 1000 } = {}): string {
  const { chosen } = fillWindow({ flows, deficits, room, places });
  return chosen.map(({ id }) => id).join(" ");
}

describe("fillWindow", () => {
  test("goes round between tenants and keeps each tenant's order", () => {
    expect(idsOf([flow("a", [10, 10, 10]), flow("b", [10, 10, 10])], 4)).toBe("a1 b1 a2 b2");
  });

  test("charges tokens, not jobs", () => {
    expect(idsOf([flow("a", [300, 300]), flow("b", [100, 100, 100, 100, 100])], 6)).toBe("b1 b2 a1 b3 b4 b5");
  });

  test("gives a tenant of twice the weight twice the tokens", () => {
    const flows = [flow("a", [10, 10, 10, 10]), flow("b", [10, 10, 10, 10, 10, 10], { weight: 2 })];
    expect(idsOf(flows, 6)).toBe("b1 a1 b2 b3 a2 b4");
  });

  test("goes on where it stopped", () => {
    const first = fillWindow({
      flows: [flow("a", [10, 10]), flow("b", [10, 10])],
      deficits: none,
      room: 1,
      places: 1000,
    });
    expect(first.chosen.map(({ id }) => id)).toEqual(["a1"]);
    expect(idsOf([flow("a", [10]), flow("b", [10, 10])], 1, first)).toBe("b1");
  });

  test("keeps no credit for a tenant whose backlog is gone", () => {
    const { deficits } = fillWindow({
      flows: [flow("a", [10]), flow("b", [1_000, 5])],
      deficits: new Map([
        ["b", 500],
        ["gone", 700],
      ]),
      room: 1,
      places: 1000,
    });
    expect([...deficits]).toEqual([["b", 510]]);
  });

  test("lets those go first who have not got their share of the window parked", () => {
    const flows = [flow("a", [1, 1, 1], { parked: 10 }), flow("b", [900, 900])];
    expect(idsOf(flows, 4, { places: 20 })).toBe("b1 b2 a1 a2");
    expect(idsOf(flows, 4, { places: 21 })).toBe("a1 a2 a3 b1");
  });

  test("does not take parked jobs for a reason to leave room empty", () => {
    expect(idsOf([flow("a", [5, 5], { parked: 99 })], 2, { places: 10 })).toBe("a1 a2");
  });

  test("feeds jobs that are charged nothing one by one", () => {
    expect(idsOf([flow("a", [0, 0, 0]), flow("b", [0])], 4)).toBe("a1 b1 a2 a3");
  });
});

const tenants = uniqueArray(constantFrom("a", "b", "c", "d", "e"), { minLength: 2 });
const load = record({
  weight: constantFrom(0.1, 1, 2.5, 10),
  sizes: array(integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 5 }),
});

describe("for any mix of tenants, weights, sizes and room", () => {
  test("what backlogged tenants were fed differs, by weight, by one job at most", () => {
    const rooms = array(integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 20 });
    assert(
      property(tenants, array(load, { minLength: 5, maxLength: 5 }), rooms, (names, loads, given) => {
        const sources = names.map((tenant, index) => {
          const { weight, sizes } = loads[index] ?? { weight: 1, sizes: [1] };
          return { tenant, weight, sizes, fed: 0, tokens: 0 };
        });
        let deficits = none;
        for (const room of given) {
          const flows = sources.map(({ tenant, weight, sizes, fed }) => ({
            ...flow(tenant, []),
            weight,
            more: true,
            jobs: Array.from({ length: room + 1 }, (_, index) => ({
              id: `${tenant}-${fed + index}`,
              tokens: sizes[(fed + index) % sizes.length] ?? 1,
            })),
          }));
          const filling = fillWindow({ flows, deficits, room, places: 100 });
          expect(filling.chosen).toHaveLength(room);
          deficits = filling.deficits;
          for (const { id, tokens } of filling.chosen) {
            const source = sources.find(({ tenant }) => id.startsWith(`${tenant}-`));
            if (source === undefined) throw new Error("no such tenant");
            source.fed += 1;
            source.tokens += tokens;
          }
          for (const one of sources)
            for (const other of sources) {
              const apart = one.tokens / one.weight - other.tokens / other.weight;
              const bound = Math.max(...[one, other].map(({ sizes, weight }) => Math.max(...sizes) / weight));
              expect(apart).toBeLessThanOrEqual(bound + 0.01);
            }
        }
      }),
    );
  });

  test("all room is filled while anything is unfed, each job goes once, and each tenant's in order", () => {
    const queue = record({
      weight: constantFrom(0.1, 1, 10),
      tokens: array(integer({ min: 0, max: 20_000 }), { minLength: 1, maxLength: 30 }),
      parked: integer({ min: 0, max: 60 }),
    });
    assert(
      property(array(queue, { maxLength: 8 }), integer({ min: 0, max: 100 }), (queues, room) => {
        const flows = queues.map(({ tokens, ...rest }, index) => flow(`${index}-`, tokens, rest));
        const total = flows.reduce((sum, { jobs }) => sum + jobs.length, 0);
        const { chosen } = fillWindow({ flows, deficits: none, room, places: 50 });
        expect(chosen).toHaveLength(Math.min(room, total));
        for (const { tenant, jobs } of flows) {
          const sent = chosen.filter(({ id }) => id.startsWith(tenant));
          expect(sent).toEqual(jobs.slice(0, sent.length));
        }
      }),
    );
  });

  test("a tenant that comes later is fed before any other has had more than one further job of its size", () => {
    assert(
      property(
        load,
        integer({ min: 1, max: 20_000 }),
        integer({ min: 1, max: 40 }),
        ({ sizes }, size, fed) => {
          const jobs = Array.from({ length: 200 }, (_, index) => sizes[index % sizes.length] ?? 1);
          const before = fillWindow({ flows: [flow("a", jobs)], deficits: none, room: fed, places: 1000 });
          const flows = [flow("a", jobs.slice(fed)), flow("b", [size])];
          const { chosen } = fillWindow({ flows, deficits: before.deficits, room: 200, places: 1000 });
          const overtaken = chosen.slice(
            0,
            chosen.findIndex(({ id }) => id === "b1"),
          );
          const tokens = overtaken.reduce((sum, job) => sum + job.tokens, 0);
          expect(tokens).toBeLessThanOrEqual(size + Math.max(...sizes));
        },
      ),
    );
  });
});
