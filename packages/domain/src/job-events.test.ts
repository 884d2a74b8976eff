import { expect, test } from "vitest";
import { eventNumber, type JobHistory, jobEvents } from "./job-events.ts";

const accepted: JobHistory = {
  state: "queued",
  epoch: 0,
  acceptedAt: 1,
  firstWaitAt: undefined,
  attempts: [],
  finishedAt: undefined,
};
const first = { epoch: 1, targetId: "a", startedAt: 10, endedAt: undefined };
const second = { epoch: 2, targetId: "b", startedAt: 30, endedAt: undefined };

/** A life from step to step; each must only add to what was told before. */
const life: JobHistory[] = [
  accepted,
  { ...accepted, state: "waiting", firstWaitAt: 5 },
  { ...accepted, state: "running", epoch: 1, firstWaitAt: 5, attempts: [first] },
  { ...accepted, state: "waiting", epoch: 1, firstWaitAt: 5, attempts: [{ ...first, endedAt: 20 }] },
  { ...accepted, state: "running", epoch: 2, firstWaitAt: 5, attempts: [{ ...first, endedAt: 20 }, second] },
  {
    ...accepted,
    state: "succeeded",
    epoch: 2,
    firstWaitAt: 5,
    attempts: [
      { ...first, endedAt: 20 },
      { ...second, endedAt: 40 },
    ],
    finishedAt: 40,
  },
];

test("each step of a job adds one event, whose number is that of its standing", () => {
  for (const [index, step] of life.entries()) {
    const events = jobEvents(step);
    expect(events).toHaveLength(index + 1);
    expect(events.slice(0, -1)).toEqual(index === 0 ? [] : jobEvents(life[index - 1] as JobHistory));
    expect(events.at(-1)).toMatchObject({ number: eventNumber(step), state: step.state });
  }
  expect(jobEvents(life.at(-1) as JobHistory).map(({ state, at }) => [state, at])).toEqual([
    ["queued", 1],
    ["waiting", 5],
    ["running", 10],
    ["waiting", 20],
    ["running", 30],
    ["succeeded", 40],
  ]);
});

test("a job that is cancelled while it waits has waited; one that is cancelled while it runs has not", () => {
  const cancelled = (endedAt: number): JobHistory => ({
    ...accepted,
    state: "cancelled",
    epoch: 1,
    attempts: [{ ...first, endedAt }],
    finishedAt: 25,
  });
  const states = (history: JobHistory) => jobEvents(history).map(({ state }) => state);
  expect(states(cancelled(20))).toEqual(["queued", "running", "waiting", "cancelled"]);
  expect(states(cancelled(25))).toEqual(["queued", "running", "cancelled"]);
  expect(states({ ...accepted, state: "expired", finishedAt: 9 })).toEqual(["queued", "expired"]);
});
