import { expect, test } from "vitest";
import { simulate } from "../simulate.ts";
import { arrivals, sceneConfig } from "../testing/scene.ts";
import { renderHtml } from "./render-html.ts";

test("the page is one file that fetches nothing, with a line for each class and target, and spells no markup of names", async () => {
  const config = sceneConfig();
  const options = { config, seed: 1, workers: 1, concurrency: 8, arrivals: arrivals(60, 100) };
  const simulated = await simulate(options, ["sluice", "fifo"]);
  const [first, ...others] = simulated.logs;
  if (first === undefined) throw new Error("nothing ran");
  const [job, ...jobs] = first.jobs;
  if (job === undefined) throw new Error("no job");
  const named = { ...first, jobs: [{ ...job, sla: "<b>&" }, ...jobs] };
  const page = renderHtml({ ...simulated, logs: [named, ...others], command: "sluice simulate <i>" });
  expect(page).not.toMatch(/<script|src=|href=|@import|url\(/);
  expect(page).not.toMatch(/<b>|<i>(?!<\/i>)/);
  expect(page).toContain("&lt;b>&amp;");
  expect(page.match(/<figure>/g)).toHaveLength(8);
  // Of each scheduler: two classes twice (waiting, lateness) and two targets twice (use, refusals).
  expect(page.match(/<polyline/g)).toHaveLength(2 * (2 * 2 + 2 * 2));
  expect(page).not.toMatch(/NaN|undefined|Infinity/);
});
