import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import type { ConfigPath, Finding } from "../config-error.ts";
import { type Environment, expandEnv } from "./expand-env.ts";
import { Places } from "./places.ts";
import { syntaxMessage } from "./syntax-message.ts";

/** A parsed file: plain values with the environment expanded, and where each of them stands. */
export interface YamlReading {
  readonly value: unknown;
  readonly places: Places;
  readonly lines: LineCounter;
  readonly findings: readonly Finding[];
  /** Faults of the YAML itself; with any of them `value` is undefined. */
  readonly syntax: readonly { readonly offset: number; readonly says: string }[];
}

interface Walk {
  readonly document: Document;
  readonly env: Environment;
  readonly places: Places;
  readonly findings: Finding[];
  /** Aliases being followed, to stop one that contains itself. */
  readonly open: Set<Node>;
  visited: number;
}

// Far above any real file; stops aliases of aliases from growing without end.
const mostValues = 200_000;

/** Parses YAML and expands the environment in its scalars. Never throws for a faulty text. */
export function readYaml(text: string, env: Environment): YamlReading {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const places = new Places();
  const syntax = syntaxFaults(document, lines, text);
  if (syntax.length > 0) return { value: undefined, places, lines, findings: [], syntax };
  const walk: Walk = { document, env, places, findings: [], open: new Set(), visited: 0 };
  const value = readNode(walk, document.contents, []);
  return { value, places, lines, findings: walk.findings, syntax: [] };
}

/** A fault makes the parser stumble on: the first of a line says something, later unexpected tokens do not. */
function syntaxFaults(document: Document, lines: LineCounter, text: string): YamlReading["syntax"] {
  const faults = [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0]);
  const firstToken = faults.find((fault) => fault.code === "UNEXPECTED_TOKEN");
  const telling = faults.filter((fault) => fault.code !== "UNEXPECTED_TOKEN" || fault === firstToken);
  const byLine = new Map(telling.toReversed().map((fault) => [lines.linePos(fault.pos[0]).line, fault]));
  return [...byLine.values()].map((fault) => ({ offset: fault.pos[0], says: syntaxMessage(fault, text) }));
}

function readNode(walk: Walk, node: Node | null, path: ConfigPath, key?: number): unknown {
  const keyPart = key === undefined ? {} : { key };
  walk.places.set(path, { ...keyPart, value: node?.range?.[0] ?? key ?? 0 });
  if (node === null || ++walk.visited > mostValues) return null;
  if (isAlias(node)) return readAlias(walk, node.resolve(walk.document), path, key);
  if (isMap(node)) return readMap(walk, node.items, path);
  if (isSeq(node))
    return node.items.map((item, index) => readNode(walk, item as Node | null, [...path, index]));
  if (!isScalar(node)) return null;
  return typeof node.value === "string" ? readText(walk, node.value, path) : node.value;
}

function readAlias(walk: Walk, target: Node | undefined, path: ConfigPath, key?: number): unknown {
  if (target === undefined || walk.open.has(target)) {
    walk.findings.push({ path, says: "is an alias that has no anchor or contains itself", at: "key" });
    markBroken(walk, path);
    return undefined;
  }
  walk.open.add(target);
  const value = readNode(walk, target, path, key);
  walk.open.delete(target);
  return value;
}

type Pairs = readonly { readonly key: unknown; readonly value: unknown }[];

function readMap(walk: Walk, pairs: Pairs, path: ConfigPath): Record<string, unknown> {
  // No prototype: a key such as `constructor` is a name like any other.
  const map: Record<string, unknown> = Object.create(null);
  for (const pair of pairs) {
    const node = pair.key as Node | null;
    const name = isScalar(node) ? String(node.value) : "?";
    const offset = node?.range?.[0] ?? 0;
    if (Object.hasOwn(map, name)) {
      walk.findings.push({ path: [...path, name], says: "is defined twice", at: "key", offset });
      continue;
    }
    map[name] = readNode(walk, pair.value as Node | null, [...path, name], offset);
  }
  return map;
}

function readText(walk: Walk, text: string, path: ConfigPath): unknown {
  const expansion = expandEnv(text, walk.env);
  if (expansion.kind === "plain") return expansion.text;
  if (expansion.kind === "failed") {
    walk.findings.push({ path, says: expansion.says, at: "value" });
    markBroken(walk, path);
    return text;
  }
  const place = walk.places.get(path) ?? { value: 0 };
  walk.places.set(path, { ...place, template: text, isWholeTemplate: expansion.isWhole });
  return expansion.text;
}

function markBroken(walk: Walk, path: ConfigPath): void {
  walk.places.set(path, { ...(walk.places.get(path) ?? { value: 0 }), isBroken: true });
}
