const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const unitBytes: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** A duration such as `500ms`, `30s`, `15m`, `24h`, `30d`. */
export const durationPattern = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

/** A size such as `16MB` (10^6 bytes each) or `16MiB` (2^20); a bare number is bytes. */
export const sizePattern = /^(\d+(?:\.\d+)?) ?([kKmMgGtT]?[iI]?[bB])?$/;

/** Reads a duration into whole milliseconds; undefined when the text is not one. */
export function parseDuration(text: string): number | undefined {
  const [, amount, unit] = durationPattern.exec(text) ?? [];
  const factor = unitMs[unit ?? ""];
  return factor === undefined ? undefined : Math.round(Number(amount) * factor);
}

/** Reads a size into whole bytes; undefined when the text is not one. */
export function parseSize(text: string): number | undefined {
  const [, amount, unit] = sizePattern.exec(text) ?? [];
  const factor = unitBytes[(unit ?? "b").toLowerCase()];
  return amount === undefined || factor === undefined ? undefined : Math.round(Number(amount) * factor);
}
