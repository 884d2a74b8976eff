import type { WindowBacklog } from "@sluice/domain";
import { expect, test } from "vitest";
import { createFakeClock } from "../../../test/kit/fakes/fake-clock.ts";
import { createMemoryFeedLedger } from "../../../test/kit/fakes/memory-feed-ledger.ts";
import { createMemoryFiles } from "../../../test/kit/fakes/memory-files.ts";
import { createRecordingLogger } from "../../../test/kit/fakes/records.ts";
import { createScriptedCapacity } from "../../../test/kit/fakes/scripted-capacity.ts";
import { sampleConfig, sampleJob, sampleTarget } from "../../../test/kit/samples.ts";
import { readWindows } from "./read-windows.ts";
import { createWindowSizes } from "./window-sizes.ts";

test("windows are shown with their size and targets, those without targets too", async () => {
  const clock = createFakeClock();
  const config = sampleConfig([sampleTarget("one", { limits: { concurrency: 3 } })]);
  const sizing = { capacity: createScriptedCapacity(), files: createMemoryFiles(), config: () => config };
  const sizes = createWindowSizes({ ...sizing, clock, logger: createRecordingLogger() });
  const ledger = createMemoryFeedLedger();
  ledger.rows.set(sampleJob.id, { spec: sampleJob, standing: { kind: "laned" } });
  const counts = { jobs: 2, tokens: 9, parked: 1, running: 0, unfedJobs: 0, unfedTokens: 0, unfedTenants: 0 };
  const backlogs: WindowBacklog[] = [
    { candidateSet: "gone", ...counts },
    { candidateSet: sampleJob.candidateSet, ...counts },
  ];
  const asked: number[] = [];
  const windowBacklogs = async (retriesBefore: number) => {
    asked.push(retriesBefore);
    return backlogs;
  };
  expect(await readWindows({ ledger: { ...ledger, windowBacklogs }, sizes, clock })).toEqual([
    { candidateSet: "gone", ...counts, places: 16, expressPlaces: 8, targets: [] },
    { candidateSet: sampleJob.candidateSet, ...counts, places: 24, expressPlaces: 12, targets: ["one"] },
  ]);
  expect(asked).toEqual([clock.now() + 3_000]);
});
