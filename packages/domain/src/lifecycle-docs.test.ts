import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { batchTransitions } from "./batch.ts";
import { deliveryTransitions } from "./delivery.ts";
import { jobTransitions } from "./job.ts";

const page = readFileSync(join(import.meta.dirname, "../../../docs/lifecycle.md"), "utf8");

/** The edges of the diagram below a heading, `from --> to`, as written. */
function edgesBelow(heading: string): string[] {
  const section = page.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? "";
  const diagram = /```mermaid\n([^`]*)```/.exec(section)?.[1] ?? "";
  return [...diagram.matchAll(/^ *(\S+ --> \S+) *$/gm)].map((match) => match[1] ?? "").sort();
}

/** The same for a transition table: `[*]` leads to the first state, and every end to `[*]`. */
function edgesOf(table: Readonly<Record<string, readonly string[]>>, first: string): string[] {
  const steps = Object.entries(table).flatMap(([from, nexts]) =>
    (nexts.length === 0 ? ["[*]"] : nexts).map((to) => `${from} --> ${to}`),
  );
  return [`[*] --> ${first}`, ...steps].sort();
}

test.each([
  { heading: "Jobs", table: jobTransitions, first: "queued" },
  { heading: "Batches", table: batchTransitions, first: "validating" },
  { heading: "Deliveries of webhooks", table: deliveryTransitions, first: "pending" },
])("the diagram of $heading in docs/lifecycle.md has exactly the edges of the table", (row) => {
  expect(edgesBelow(row.heading)).toEqual(edgesOf(row.table, row.first));
});
