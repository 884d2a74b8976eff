import { describe, expect, test } from "vitest";
import { parseMetricSpec, valuesOf } from "./metric-spec.ts";
import { readSamples } from "./read-samples.ts";

const read = (page: string, ...names: string[]) => readSamples(page, new Set(names));

describe("a metrics page", () => {
  test("is read line by line, whatever else stands in it", () => {
    const page = [
      '# HELP a:x Words, with "quotes" and {braces}.',
      "# TYPE a:x gauge",
      "a:x 3",
      'b{model="m",path="C:\\\\d \\"q\\"\\n"} 0.5 1700000000000',
      "c{} 1e3",
      "other 9",
      "a:x_total 8",
      "",
    ].join("\n");
    expect(read(page, "a:x", "b", "c")).toEqual([
      { name: "a:x", labels: {}, value: 3 },
      { name: "b", labels: { model: "m", path: 'C:\\d "q"\n' }, value: 0.5 },
      { name: "c", labels: {}, value: 1_000 },
    ]);
  });

  test("may hold a comma or a brace inside a label, a comma behind the last one, and carriage returns", () => {
    expect(read('a{x="1,2}",y="3", } +Inf\r\n', "a")).toEqual([
      { name: "a", labels: { x: "1,2}", y: "3" }, value: Number.POSITIVE_INFINITY },
    ]);
  });

  test.each(["a", "a ", "a{x=1} 2", 'a{x="1" 2', "a NaN", "a zero"])("leaves out the line %j", (line) => {
    expect(read(line, "a")).toEqual([]);
  });
});

describe("a spec", () => {
  const samples = read('q{s="waiting",e="0"} 2\nq{s="waiting",e="1"} 3\nq{s="running",e="0"} 7', "q");

  test.each([
    ["q", [2, 3, 7]],
    ["q{s=waiting}", [2, 3]],
    ['q{s="waiting", e=1}', [3]],
    ["q{s=none}", []],
    ["r", []],
  ])("%s means the series that have its name and labels", (spec, values) => {
    expect(valuesOf(samples, parseMetricSpec(spec))).toEqual(values);
  });

  test.each(["", "1q", "q{s}", "q{s=a", "q s"])("%j is refused", (spec) => {
    expect(() => parseMetricSpec(spec)).toThrow(RangeError);
  });
});
