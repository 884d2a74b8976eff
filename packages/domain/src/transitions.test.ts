import { describe, expect, test } from "vitest";
import { assertBatchTransition, type BatchStatus, batchTransitions, isBatchEnded } from "./batch.ts";
import { deliveryTransitions } from "./delivery.ts";
import { assertJobTransition, isTerminal, type JobState, jobTransitions, terminalJobStates } from "./job.ts";

const tables = [
  { name: "job", start: "queued", table: jobTransitions as Record<string, readonly string[]> },
  { name: "batch", start: "validating", table: batchTransitions as Record<string, readonly string[]> },
  { name: "delivery", start: "pending", table: deliveryTransitions as Record<string, readonly string[]> },
];

function reachableFrom(table: Record<string, readonly string[]>, start: string): Set<string> {
  const found = new Set([start]);
  for (const state of found) for (const next of table[state] ?? []) found.add(next);
  return found;
}

describe.each(tables)("the transitions of a $name", ({ start, table }) => {
  test("name only states of the table, each once", () => {
    for (const nexts of Object.values(table)) {
      expect(nexts.filter((state) => !(state in table))).toEqual([]);
      expect(new Set(nexts).size).toBe(nexts.length);
    }
  });

  test("reach every state from the first", () => {
    expect([...reachableFrom(table, start)].sort()).toEqual(Object.keys(table).sort());
  });

  test("lead from every state to an end", () => {
    const ends = new Set(Object.keys(table).filter((state) => table[state]?.length === 0));
    expect(ends.size).toBeGreaterThan(0);
    for (const state of Object.keys(table)) {
      expect([...reachableFrom(table, state)].some((reached) => ends.has(reached))).toBe(true);
    }
  });

  test("never lead back to the first state from another", () => {
    for (const [state, nexts] of Object.entries(table))
      if (state !== start) expect(nexts).not.toContain(start);
  });
});

test("a job is terminal in exactly the states that nothing follows", () => {
  const states = Object.keys(jobTransitions) as JobState[];
  expect(states.filter(isTerminal).sort()).toEqual([...terminalJobStates].sort());
});

test("a batch has ended in exactly the statuses OpenAI calls final", () => {
  const statuses = Object.keys(batchTransitions) as BatchStatus[];
  expect(statuses.filter(isBatchEnded).sort()).toEqual(["cancelled", "completed", "expired", "failed"]);
});

test("a step that the table does not have is refused in words", () => {
  expect(() => assertJobTransition("queued", "running")).not.toThrow();
  expect(() => assertJobTransition("succeeded", "running")).toThrow("a succeeded job cannot become running");
  expect(() => assertJobTransition("queued", "succeeded")).toThrow("a queued job cannot become succeeded");
  expect(() => assertBatchTransition("cancelling", "cancelled")).not.toThrow();
  expect(() => assertBatchTransition("finalizing", "cancelling")).toThrow(
    "a finalizing batch cannot become cancelling",
  );
});
