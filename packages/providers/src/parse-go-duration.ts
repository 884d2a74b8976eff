const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

const part = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;

/**
 * Reads a duration as Go's `time.Duration` prints it (`12ms`, `6m0s`, `1m7.5s`, `2h3m4s`), or plain seconds, as ms.
 * `undefined` for anything else, a negative one included.
 */
export function parseGoDuration(text: string): number | undefined {
  if (/^\d{1,12}(\.\d{1,9})?$/.test(text)) return Number(text) * 1_000;
  let ms = 0;
  part.lastIndex = 0;
  let end = 0;
  for (let match = part.exec(text); match !== null; match = part.exec(text)) {
    ms += Number(match[1]) * (unitMs[match[2] ?? ""] ?? Number.NaN);
    end = part.lastIndex;
  }
  return end > 0 && end === text.length && Number.isFinite(ms) ? ms : undefined;
}
