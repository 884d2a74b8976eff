import { randomBytes } from "node:crypto";
import { array, assert, boolean, constantFrom, integer, oneof, property, string, uuid } from "fast-check";
import { describe, expect, test } from "vitest";
import {
  createIdSource,
  firstUuidAt,
  type IdKind,
  idFromUuid,
  idPrefixes,
  isId,
  parseId,
  tenantId,
  timeOfUuid,
  uuidOf,
} from "./ids.ts";

const kinds = Object.keys(idPrefixes) as IdKind[];
const lastMoment = 2 ** 48 - 1;
const moment = integer({ min: 0, max: lastMoment });

/** Ids made while the clock shows these moments, one after the other. */
function idsAt(moments: readonly number[]): string[] {
  const left = [...moments];
  const source = createIdSource({ now: () => left.shift() ?? 0 }, randomBytes);
  return moments.map(() => source.uuid());
}

function expectStrictlyIncreasing(ids: readonly string[]): void {
  expect(ids.filter((id) => parseId("job", idFromUuid("job", id)) !== id)).toEqual([]);
  for (let index = 1; index < ids.length; index += 1) {
    const [before = "", after = ""] = [ids[index - 1], ids[index]];
    if (!(before < after)) throw new Error(`${after} does not follow ${before}`);
  }
}

describe("an id", () => {
  test("gives back the uuid it was made of, and only to its own kind", () => {
    assert(
      property(constantFrom(...kinds), uuid(), (kind, text) => {
        const id = idFromUuid(kind, text);
        expect(parseId(kind, id)).toBe(text);
        expect(uuidOf(kind, id)).toBe(text);
        expect(kinds.filter((other) => isId(other, id))).toEqual([kind]);
      }),
    );
  });

  test("is not found in any other text", () => {
    const good = idFromUuid("job", "0198f3a0-0000-7000-8000-000000000000");
    const texts = [
      "",
      "job_",
      good.slice(4),
      good.toUpperCase(),
      `${good}\n`,
      ` ${good}`,
      good.replaceAll("-", ""),
      `${good}0`,
    ];
    for (const text of texts) {
      expect(isId("job", text)).toBe(false);
      expect(() => uuidOf("job", text)).toThrow(TypeError);
    }
    assert(property(string({ unit: "binary" }), (text) => !isId("job", text)));
  });

  test("has a prefix that no other kind's prefix begins with", () => {
    const prefixes = Object.values(idPrefixes);
    for (const prefix of prefixes)
      expect(prefixes.filter((other) => other.startsWith(prefix))).toEqual([prefix]);
  });
});

describe("createIdSource", () => {
  test("makes UUIDv7s of the RFC's variant that carry their moment", () => {
    assert(
      property(moment, (at) => {
        const [id = ""] = idsAt([at]);
        expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        expect(timeOfUuid(id)).toBe(at);
      }),
    );
  });

  test("fills what is left with its random bytes", () => {
    for (const [byte, tail] of [
      [0xff, "bfff-ffffffffffff"],
      [0, "8000-000000000000"],
    ] as const) {
      const source = createIdSource({ now: () => 1 }, (size) => new Uint8Array(size).fill(byte));
      expect(source.uuid()).toBe(`00000000-0001-7000-${tail}`);
    }
  });

  test("increases strictly whatever the clock does", () => {
    const step = oneof(integer({ min: -5_000, max: 5_000 }), integer({ min: -1, max: 1 }));
    assert(
      property(array(step, { maxLength: 200 }), boolean(), (steps, fractional) => {
        let at = 1_800_000_000_000;
        const moments = steps.map((by) => (at += fractional ? by / 3 : by));
        expectStrictlyIncreasing(idsAt(moments));
      }),
    );
  });

  test("goes on into the next millisecond after 4096 ids of one", () => {
    const at = 1_800_000_000_000;
    const ids = idsAt(new Array<number>(10_000).fill(at));
    expectStrictlyIncreasing(ids);
    expect(ids.filter((id) => timeOfUuid(id) === at)).toHaveLength(4096);
    expect(timeOfUuid(ids.at(-1) ?? "")).toBe(at + 2);
  });

  test("stays at the last moment seen when the clock steps back, and follows it again later", () => {
    expect(idsAt([5_000, 1_000, 4_999, 5_001]).map(timeOfUuid)).toEqual([5_000, 5_000, 5_000, 5_001]);
  });
});

describe("firstUuidAt", () => {
  test("is not above any id of its moment and above every id before it", () => {
    assert(
      property(integer({ min: 1, max: lastMoment }), (at) => {
        const [before = "", during = ""] = idsAt([at - 1, at]);
        expect(firstUuidAt(at) <= during).toBe(true);
        expect(firstUuidAt(at) > before).toBe(true);
        expect(timeOfUuid(firstUuidAt(at))).toBe(at);
      }),
    );
  });

  test("takes moments before 1970 for its beginning and rounds down", () => {
    expect(firstUuidAt(-1)).toBe(firstUuidAt(0));
    expect(firstUuidAt(1.9)).toBe(firstUuidAt(1));
  });
});

describe("tenantId", () => {
  test.each(["default", "a", "team_7-x", "0".repeat(64)])("takes %s", (name) => {
    expect(tenantId(name)).toBe(name);
  });

  test.each(["", "A", "a b", "ä", "a/b", "a\n", "0".repeat(65), "../x"])("refuses %j", (name) => {
    expect(() => tenantId(name)).toThrow(TypeError);
  });
});
