/** How many cases a long property test draws: `usual`, or as many as `SLUICE_TEST_RUNS` says. */
export function propertyRuns(usual: number): number {
  return Number(process.env["SLUICE_TEST_RUNS"] ?? usual);
}
