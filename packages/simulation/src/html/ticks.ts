/** Round values from `least` or just below it to `most` or just above it, in about `wanted` steps of 1, 2 or 5 times a power of ten. */
export function ticksOf(least: number, most: number, wanted: number): number[] {
  const step = roundStep((most - least) / wanted);
  const first = Math.floor(least / step);
  const last = Math.max(first + 1, Math.ceil(most / step - 1e-9));
  return Array.from({ length: last - first + 1 }, (_, n) => (first + n) * step);
}

function roundStep(step: number): number {
  if (!(step > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(step));
  const factor = [1, 2, 5].find((each) => each * power >= step * 0.999) ?? 10;
  return factor * power;
}

/** A number as it stands beside an axis. */
export function tickText(value: number): string {
  if (Math.abs(value) >= 10_000) return `${trimmed(value / 1000)}k`;
  return trimmed(value);
}

function trimmed(value: number): string {
  return String(Number(value.toPrecision(4)));
}
