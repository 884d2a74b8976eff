/** What one check found: all right, worth telling, or wrong; the message says what to do. */
export interface Finding {
  readonly level: "ok" | "warning" | "error";
  /** What was looked at. */
  readonly name: string;
  readonly message: string;
}

/** A check; what it throws is a finding of its own. */
export interface Check {
  readonly name: string;
  run(): Promise<readonly Omit<Finding, "name">[]>;
}

/** Shorthands for findings. */
export const fine = (message: string) => [{ level: "ok", message }] as const;
export const wrong = (message: string) => [{ level: "error", message }] as const;

/** Runs every check, side by side; the findings keep the checks' order. */
export async function runChecks(checks: readonly Check[]): Promise<Finding[]> {
  const found = await Promise.all(
    checks.map(async ({ name, run }) => {
      const findings = await run().catch((error: unknown) =>
        wrong(error instanceof Error ? error.message : String(error)),
      );
      return findings.map((finding) => ({ name, ...finding }));
    }),
  );
  return found.flat();
}

const marks = { ok: "ok     ", warning: "warning", error: "WRONG  " } as const;

/** A finding as one line (its message may go on over more). */
export function findingLine({ level, name, message }: Finding): string {
  return `${marks[level]}  ${name}: ${message}`;
}
