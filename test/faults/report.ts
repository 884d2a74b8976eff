import type { FaultReport } from "./run-fault.ts";

/** Whether a fault bit and the promise held. */
export function isGreen({ bite, judgement }: FaultReport): boolean {
  return bite.bit && judgement.violations.length === 0;
}

const head = [
  "fault",
  "bit",
  "jobs",
  "lost",
  "duplicated outcomes",
  "duplicate calls",
  "refused, then accepted",
  "broken for",
  "jobs end again after",
  "in flight then, ended after",
  "result",
];

/** The table of docs/reliability.md. */
export function renderReport(reports: readonly FaultReport[]): string {
  return [row(head), row(head.map(() => "---")), ...reports.map((report) => row(cells(report)))].join("\n");
}

function cells(report: FaultReport): (string | number)[] {
  const { fault, bite, judgement, jobs, refused } = report;
  return [
    `${fault.number}. ${fault.name}`,
    `${bite.bit ? "yes" : "NO"}: ${bite.how}`,
    jobs,
    judgement.lost,
    judgement.duplicatedOutcomes,
    judgement.duplicateCalls,
    refused,
    seconds(report.brokenMs),
    seconds(report.goesOnMs),
    `${report.inFlight}, ${seconds(report.inFlightEndedMs)}`,
    isGreen(report) ? "holds" : "RED",
  ];
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
const row = (values: readonly (string | number)[]): string => `| ${values.join(" | ")} |`;
