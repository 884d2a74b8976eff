import type { Series } from "./series.ts";
import { ticksOf, tickText } from "./ticks.ts";

/** Text as it may stand in HTML. */
export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

/** What a row of charts, one for each scheduler, has in common, so that they can be compared. */
export interface Axes {
  /** The largest value of any. */
  readonly most: number;
  /** The last moment of any, in ms. */
  readonly untilMs: number;
  /** A value to be marked across the chart. */
  readonly mark?: number;
}

const width = 420;
const height = 200;
const edge = { left: 46, right: 10, top: 12, bottom: 26 };
const minuteMs = 60_000;

/** A line chart as SVG with its legend; colours go by the place of a series, so each must have the same in every chart. */
export function drawChart(title: string, series: readonly Series[], axes: Axes): string {
  const values = ticksOf(0, axes.most, 4);
  const top = values.at(-1) ?? 1;
  const x = (at: number) =>
    rounded(edge.left + ((width - edge.left - edge.right) * at) / Math.max(1, axes.untilMs));
  const y = (value: number) =>
    rounded(height - edge.bottom - ((height - edge.top - edge.bottom) * value) / top);
  const across = (value: number, name: string) =>
    `<line class="${name}" x1="${edge.left}" x2="${width - edge.right}" y1="${y(value)}" y2="${y(value)}"/>`;
  const lines = series.map(({ name, points }, index) => {
    const path = points.map(({ at, value }) => `${x(at)},${y(value)}`).join(" ");
    return `<polyline class="s${index % 6}" points="${path}"><title>${escapeHtml(name)}</title></polyline>`;
  });
  const parts = [
    ...values.map((value) => across(value, "grid") + label(edge.left - 6, y(value) + 4, value, "end")),
    ...momentsOf(axes.untilMs, x),
    axes.mark === undefined ? "" : across(axes.mark, "mark"),
    ...lines,
  ];
  return `<figure><figcaption>${escapeHtml(title)}</figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(title)}">${parts.join("")}</svg></figure>`;
}

/** The names of a row's series beside their colours. */
export function legend(names: readonly string[]): string {
  const keys = names.map((name, index) => `<span><i class="k${index % 6}"></i>${escapeHtml(name)}</span>`);
  return `<p class="legend">${keys.join("")}</p>`;
}

/** Minutes below the chart; of a long run, hours. */
function momentsOf(untilMs: number, x: (at: number) => number): string[] {
  const [unitMs, unit] = untilMs > 360 * minuteMs ? [60 * minuteMs, "h"] : [minuteMs, "min"];
  const moments = ticksOf(0, untilMs / unitMs, 6).filter((moment) => moment * unitMs <= untilMs);
  return moments.map((moment, n) =>
    label(x(moment * unitMs), height - 8, moment, "middle", n === moments.length - 1 ? ` ${unit}` : ""),
  );
}

function label(x: number, y: number, value: number, anchor: "end" | "middle", unit = ""): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}">${tickText(value)}${unit}</text>`;
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
