/** One series of a Prometheus page. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/**
 * Reads the series with one of these names from a page in Prometheus' text format; other lines are skipped unread,
 * because a page has hundreds and is read each second. Lines that make no sense are left out.
 */
export function readSamples(page: string, names: ReadonlySet<string>): Sample[] {
  const samples: Sample[] = [];
  for (const line of page.split("\n")) {
    const name = /^[a-zA-Z_:][\w:]*/.exec(line)?.[0];
    if (name === undefined || !names.has(name)) continue;
    const sample = readLine(line, name);
    if (sample !== undefined) samples.push(sample);
  }
  return samples;
}

function readLine(line: string, name: string): Sample | undefined {
  const labels: Record<string, string> = {};
  let at = name.length;
  if (line[at] === "{") {
    const end = readLabels(line, at + 1, labels);
    if (end === undefined) return undefined;
    at = end;
  }
  const word = line.slice(at).trim().split(/\s+/)[0];
  const value = word === undefined || word === "" ? Number.NaN : Number(word.replace(/^\+?Inf$/, "Infinity"));
  return Number.isNaN(value) ? undefined : { name, labels, value };
}

const escapes: Readonly<Record<string, string>> = { n: "\n", "\\": "\\", '"': '"' };
const label = /\s*([a-zA-Z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(,|(?=\}))/y;

/** Reads labels into `into`; the place behind their closing brace, `undefined` when they are broken. */
function readLabels(line: string, start: number, into: Record<string, string>): number | undefined {
  label.lastIndex = start;
  let at = start;
  for (let match = label.exec(line); match !== null; match = label.exec(line)) {
    const [, key = "", raw = ""] = match;
    into[key] = raw.replaceAll(/\\(.)/g, (whole, character: string) => escapes[character] ?? whole);
    at = label.lastIndex;
  }
  const rest = /^\s*\}/.exec(line.slice(at));
  return rest === null ? undefined : at + rest[0].length;
}
