/** One row of a Markdown table. */
export function row(cells: readonly (string | number)[]): string {
  return `| ${cells.join(" | ")} |`;
}

/** Prints a Markdown table. */
export function printTable(head: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const lines = [row(head), row(head.map(() => "---")), ...rows.map(row)];
  console.log(`${lines.join("\n")}\n`);
}

/** A share as `97.3 %`. */
export function percent(share: number, digits = 1): string {
  return `${(share * 100).toFixed(digits)} %`;
}

/** Says whether what a drill has to show holds; the process exits with 1 when anything did not. */
export function judge(holds: boolean, sentence: string): void {
  console.log(`${holds ? "holds" : "MISSED"}: ${sentence}`);
  if (!holds) process.exitCode = 1;
}
