import { expect, test } from "vitest";
import { type BatchProgress, progressBar, progressLine, shareDone, summaryLine } from "./progress-view.ts";

const halfway: BatchProgress = {
  status: "in_progress",
  total: 4_338,
  succeeded: 2_100,
  failed: 69,
  perSecond: 38.2,
  etaMs: 62_000,
  spendUsd: 0.1234,
  pools: { small: 1_500, large: 600 },
};

test("the plain line tells done, failed, rate, ETA, spend and the calls of each pool", () => {
  expect(progressLine(halfway)).toBe(
    " 50 %, 2,169 of 4,338 done, 69 failed, 38.2/s, ETA 1 min 2 s, $0.1234, large 600, small 1,500",
  );
});

test("the bar never wraps, whatever the terminal's width", () => {
  for (let columns = 1; columns < 200; columns += 1) {
    expect(progressBar(halfway, columns).length).toBeLessThanOrEqual(Math.max(1, columns - 1));
  }
});

test("a usual terminal shows the calls of every pool", () => {
  const bar = progressBar(halfway, 100);
  expect(bar).toBe(
    "[######.....]  50 %  2,169/4,338  69 failed  38.2/s  ETA 1 min 2 s  $0.1234  large 600, small 1,500",
  );
});

test("the bar is as full as the batch is done", () => {
  const full = (progress: BatchProgress) => progressBar(progress, 150).split("#").length - 1;
  expect(full({ ...halfway, succeeded: 0, failed: 0 })).toBe(0);
  expect(full(halfway)).toBe(12);
  expect(full({ ...halfway, succeeded: 4_269 })).toBe(24);
});

test("a batch that nobody has counted yet shows its status instead of a share", () => {
  const fresh = { ...halfway, status: "validating", total: 0, succeeded: 0, failed: 0 };
  expect(shareDone(fresh)).toBe(0);
  expect(progressLine(fresh)).toBe("validating");
  expect(progressBar(fresh, 80)).toBe("validating …");
});

test("nothing that moves has no ETA", () => {
  expect(progressLine({ ...halfway, perSecond: 0, etaMs: undefined })).toContain("ETA unknown");
});

test("the summary counts the lines that neither succeeded nor failed as cancelled", () => {
  expect(summaryLine({ ...halfway, total: 10, succeeded: 7, failed: 1, pools: {} }, 4_000)).toBe(
    "10 lines: 7 succeeded, 1 failed, 2 cancelled in 4 s (2.0/s), $0.1234",
  );
});
