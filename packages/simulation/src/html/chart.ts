import type { Series } from "./series.ts";

/** Text as it may stand in HTML. */
export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

interface Chart {
  readonly title: string;
  readonly series: readonly Series[];
  /** Of the values, such as `jobs` or `%`. */
  readonly unit: string;
  readonly scale?: number;
  /** The largest value and the last moment of all charts beside it, so that they can be compared. */
  readonly most: number;
  readonly least: number;
  readonly until: number;
}

const width = 420;
const height = 190;
const left = 52;
const bottom = 24;
const top = 10;

/** A line chart as SVG with its legend. */
export function drawChart({ title, series, unit, scale = 1, most, least, until }: Chart): string {
  const span = Math.max(1e-9, most - least);
  const x = (at: number) => left + ((width - left - 8) * at) / Math.max(1, until);
  const y = (value: number) => top + (height - top - bottom) * (1 - (value - least) / span);
  const lines = series.map(({ points }, index) => {
    const path = points.map(({ at, value }) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
    return `<polyline class="s${index % 6}" points="${path}"/>`;
  });
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => least + share * span);
  const grid = ticks.map(
    (value) =>
      `<line class="grid" x1="${left}" x2="${width - 8}" y1="${y(value)}" y2="${y(value)}"/>` +
      `<text x="${left - 6}" y="${y(value) + 4}" text-anchor="end">${number(value * scale)}</text>`,
  );
  const minutes = [0, 0.25, 0.5, 0.75, 1].map(
    (share) =>
      `<text x="${x(share * until)}" y="${height - 6}" text-anchor="middle">${number((share * until) / 60_000)}</text>`,
  );
  const zero =
    least < 0 && most > 0
      ? `<line class="zero" x1="${left}" x2="${width - 8}" y1="${y(0)}" y2="${y(0)}"/>`
      : "";
  const keys = series.map(
    ({ name }, index) => `<span><i class="k${index % 6}"></i>${escapeHtml(name)}</span>`,
  );
  return `<figure><figcaption>${escapeHtml(title)} <small>${escapeHtml(unit)} by minute</small></figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(title)}">${grid.join("")}${zero}${minutes.join("")}${lines.join("")}</svg>
<p class="legend">${keys.join("")}</p></figure>`;
}

function number(value: number): string {
  const size = Math.abs(value);
  if (size >= 10_000) return `${Math.round(value / 1000)}k`;
  return size >= 10 || Number.isInteger(value) ? String(Math.round(value)) : value.toFixed(1);
}
