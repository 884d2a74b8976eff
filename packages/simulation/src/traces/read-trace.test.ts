import { describe, expect, test } from "vitest";
import { seededRandom } from "../seeded-random.ts";
import { makeBacklog } from "./make-backlog.ts";
import { readTrace } from "./read-trace.ts";

const defaults = { sla: "standard", tenant: "default", model: "auto", priority: 0 };
const read = (text: string) => readTrace("trace", text, defaults);

describe("readTrace", () => {
  test("reads Azure's CSV; its times count from the first line", () => {
    const text = `TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:15:46.6805900,374,44
2023-11-16 18:15:50.9951690,396,109

2023-11-17 00:00:00,1,0
`;
    const [first, second, third] = read(text);
    expect(first).toEqual({ ...defaults, atMs: 0, inputTokens: 374, outputTokens: 44 });
    expect(second?.atMs).toBeCloseTo(4_314.579, 2);
    expect(third?.atMs).toBeCloseTo(20_653_319.41, 1);
  });

  test("reads JSONL; what a line says goes before what it leaves out", () => {
    const text = `{"at_ms": 0, "input_tokens": 10, "output_tokens": 5}
{"at_ms": 1.5, "input_tokens": 1, "output_tokens": 2, "sla": "batch", "tenant": "t", "model": "m", "priority": 9}`;
    expect(read(text)).toEqual([
      { ...defaults, atMs: 0, inputTokens: 10, outputTokens: 5 },
      { atMs: 1.5, inputTokens: 1, outputTokens: 2, sla: "batch", tenant: "t", model: "m", priority: 9 },
    ]);
  });

  test.each([
    ["TIMESTAMP,ContextTokens,GeneratedTokens\nyesterday,1,2", "trace:2 TIMESTAMP must be like"],
    [
      "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,1,2\n2023-11-16 18:15:46,-1,2",
      "trace:3 ContextTokens",
    ],
    ["TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,1", "trace:2 GeneratedTokens"],
    ["TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,1,2,3", "trace:2 has 4 columns"],
    [
      "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,1,2\n2023-11-16 18:15:45,1,2",
      "trace:3 TIMESTAMP lies before",
    ],
    ['{"at_ms":0,"input_tokens":1,"output_tokens":1}\n\n{"at_ms":', "trace:3 is not valid JSON"],
    ["[]", "trace:1 must be a JSON object"],
    ['{"at_ms":0,"input_tokens":1}', "trace:1 output_tokens is required"],
    ['{"at_ms":0,"input_tokens":1.5,"output_tokens":1}', "trace:1 input_tokens must be a number"],
    ['{"at_ms":-1,"input_tokens":1,"output_tokens":1}', "trace:1 at_ms must be a number"],
    [
      '{"at_ms":0,"input_tokens":1,"output_tokens":1,"priority":10}',
      "trace:1 priority must be a number from 0 to 9",
    ],
    ['{"at_ms":0,"input_tokens":1,"output_tokens":1,"sla":""}', "trace:1 sla must be a text"],
    ['{"at_ms":0,"input_tokens":1,"output_tokens":1,"class":"x"}', 'trace:1 "class" is not known'],
  ])("says where %j is wrong", (text, message) => {
    expect(() => read(text)).toThrow(message);
  });
});

test("a backlog lies there at the beginning, around the sizes that were asked for", () => {
  const jobs = makeBacklog(
    { ...defaults, jobs: 2_000, inputTokens: 800, outputTokens: 200 },
    seededRandom(1, "b"),
  );
  const mean = (of: (job: (typeof jobs)[number]) => number) =>
    jobs.reduce((sum, job) => sum + of(job), 0) / jobs.length;
  expect(jobs.every(({ atMs }) => atMs === 0)).toBe(true);
  expect(Math.abs(mean((job) => job.inputTokens) / 800 - 1)).toBeLessThan(0.05);
  expect(new Set(jobs.map((job) => job.outputTokens)).size).toBeGreaterThan(100);
});
