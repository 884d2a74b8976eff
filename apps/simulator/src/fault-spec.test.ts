import { describe, expect, test } from "vitest";
import { createFaultBook, parseFaultRule } from "./fault-book.ts";
import { findFaultMark, parseFault } from "./fault-spec.ts";
import { createRandom } from "./random.ts";

describe("faults in words", () => {
  test("read name, status, times and settings", () => {
    expect(parseFault("hang")).toEqual({ name: "hang", label: "hang" });
    expect(parseFault("429*2;retry-after=soon")).toEqual({
      name: "status",
      label: "429",
      status: 429,
      times: 2,
      retryAfter: "soon",
    });
    expect(parseFault("slow-drip;ms=5")).toEqual({ name: "slow-drip", label: "slow-drip", durationMs: 5 });
    expect(parseFaultRule("reset:0.25")).toEqual({ fault: { name: "reset", label: "reset" }, rate: 0.25 });
  });

  test.each(["", "nope", "200", "99", "status", "hang;ms=soon", "500*", "hang;x=1"])(
    '"%s" is no fault',
    (text) => {
      expect(parseFault(text)).toBeUndefined();
    },
  );

  test("the last mark of a text counts", () => {
    expect(findFaultMark("a [[sim:500]] b [[sim:reset]]")?.name).toBe("reset");
    expect(findFaultMark("none")).toBeUndefined();
  });
});

describe("the fault book", () => {
  const identity = (number: number, occurrence = 0) => {
    const random = createRandom(number);
    return { seed: 1, digest: [random() * 2 ** 32, random() * 2 ** 32] as const, occurrence };
  };
  const numbers = Array.from({ length: 4000 }, (_, index) => index);

  test("hits the share that was asked for, half 500 and half 503, the same calls each time", () => {
    const labels = (): (string | undefined)[] =>
      numbers.map((number) => createFaultBook([], 0.2).choose(identity(number), undefined)?.fault.label);
    const first = labels();
    expect(labels()).toEqual(first);
    const hit = first.filter((label) => label !== undefined);
    expect(hit.length / numbers.length).toBeCloseTo(0.2, 1);
    expect(hit.filter((label) => label === "500").length / hit.length).toBeCloseTo(0.5, 1);
    expect(new Set(hit)).toEqual(new Set(["500", "503"]));
  });

  test("draws anew for each occurrence of a body", () => {
    const book = createFaultBook([], 0.5);
    const hits = numbers
      .slice(0, 20)
      .map((occurrence) => book.choose(identity(1, occurrence), undefined) !== undefined);
    expect(new Set(hits)).toEqual(new Set([true, false]));
  });

  test("a rule with times stops after so many committed calls", () => {
    const rule = parseFaultRule("hang*2");
    const book = createFaultBook(rule ? [rule] : [], 0);
    const choose = () => book.choose(identity(1), undefined);
    choose();
    for (let call = 0; call < 2; call += 1) choose()?.commit();
    expect(choose()).toBeUndefined();
  });
});
