import type { ForecastBoard, ForecastReport, ForecastSnapshot } from "@sluice/domain";

/** A board in memory; `away` makes reading fail. */
export interface MemoryForecastBoard extends ForecastBoard {
  snapshot: ForecastSnapshot | undefined;
  readonly reports: ForecastReport[];
  isAway: boolean;
}

export function createMemoryForecastBoard(): MemoryForecastBoard {
  const board: MemoryForecastBoard = {
    snapshot: undefined,
    reports: [],
    isAway: false,
    publish: async (snapshot) => void Object.assign(board, { snapshot }),
    read: async () => {
      if (board.isAway) throw new Error("Redis is away");
      return board.snapshot;
    },
    report: async (report) => void board.reports.push(report),
    takeReports: async () => board.reports.splice(0),
  };
  return board;
}
