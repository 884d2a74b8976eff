// `npm run faults [-- NUMBER|WORDS …]`: breaks a cluster in one way after the other, each time a fresh one, and judges by
// what the upstream, the receiver, the ledger and Redis saw. Without words all of them. Exits with 1 when one is red.
import { faults } from "./catalogue/index.ts";
import type { Fault } from "./fault.ts";
import { isGreen, renderReport } from "./report.ts";
import { type FaultReport, runFault } from "./run-fault.ts";

const say = (line: string): void => void process.stderr.write(`${line}\n`);

function chosen(words: readonly string[]): Fault[] {
  const all = faults.filter(
    ({ number, name }) =>
      words.length === 0 ||
      words.some((word) => String(number) === word || (Number.isNaN(Number(word)) && name.includes(word))),
  );
  if (all.length === 0)
    throw new Error(`no fault is named so; there are:\n${faults.map(titleOf).join("\n")}`);
  return all;
}

const titleOf = ({ number, name }: Fault): string => `${number}. ${name}`;

const reports: FaultReport[] = [];
for (const fault of chosen(process.argv.slice(2))) {
  say(`── ${titleOf(fault)}`);
  try {
    const report = await runFault(fault);
    reports.push(report);
    say(`${isGreen(report) ? "holds" : "RED"}: ${report.bite.how}`);
    for (const { rule, detail } of report.judgement.violations.slice(0, 20))
      say(`  not so: ${rule}: ${detail}`);
    if (!isGreen(report)) process.exitCode = 1;
  } catch (error) {
    say(`RED: ${error instanceof Error ? `${error.message} ${String(error.cause ?? "")}` : String(error)}`);
    process.exitCode = 1;
  }
}
process.stdout.write(`${renderReport(reports)}\n`);
