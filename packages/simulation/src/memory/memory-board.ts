import type { ForecastBoard, ForecastReport, ForecastSnapshot } from "@sluice/domain";

/** The board of one simulated cluster. */
export function createMemoryBoard(): ForecastBoard {
  const reports: ForecastReport[] = [];
  let last: ForecastSnapshot | undefined;
  return {
    async publish(snapshot) {
      last = snapshot;
    },
    read: async () => last,
    report: async (report) => void reports.push(report),
    takeReports: async () => reports.splice(0),
  };
}
