import { lanePriority } from "@sluice/scheduling";
import { expect, test } from "vitest";
import { seededRandom } from "./seeded-random.ts";
import { simulate } from "./simulate.ts";
import { arrival, sceneConfig } from "./testing/scene.ts";

test("jobs that wait are called in order of their effective deadlines, whatever their class and priority", async () => {
  const random = seededRandom(1, "order");
  const classes = ["interactive", "standard", "batch"];
  const arrivals = Array.from({ length: 40 }, () => {
    const sla = classes[Math.floor(random.next() * 3)] ?? "batch";
    return arrival({ sla, priority: Math.floor(random.next() * 10), inputTokens: 10, outputTokens: 10 });
  });
  const { logs } = await simulate({ config: sceneConfig(), seed: 1, workers: 1, concurrency: 1, arrivals }, [
    "sluice",
  ]);
  const [log] = logs;
  const priorities = (log?.calls ?? []).map(({ job }) => {
    const { arrivedAt = 0, deadlineAt = 0 } = log?.jobs[job] ?? {};
    const { priority } = arrivals[job] ?? arrival();
    return lanePriority(deadlineAt - (priority / 10) * (deadlineAt - arrivedAt), 0);
  });
  expect(priorities).toHaveLength(40);
  // The first was taken before the others had come.
  expect(priorities.slice(1)).toEqual(priorities.slice(1).toSorted((a, b) => a - b));
  expect(new Set(priorities).size).toBeGreaterThan(10);
});
