import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { compileFailpoints, type Failpoint, failpoints, markOf } from "./failpoints.ts";

const root = new URL("../../../", import.meta.url);

test.each(Object.entries(failpoints))(
  "the mark of %s stands in %s, once, and becomes a call",
  (name, file) => {
    const source = readFileSync(new URL(file, root), "utf8");
    expect(source.split(markOf(name as Failpoint))).toHaveLength(2);
    expect(compileFailpoints(source)).toContain(`globalThis["failpoint"]("${name}");`);
  },
);
