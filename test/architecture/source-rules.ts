import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import ts from "typescript";

/** A place in a source file where a rule of the house is broken. */
export interface SourceFault {
  rule: "environment" | "ports" | "default-export" | "fetch";
  /** Path from the root, line, and the code found there. */
  at: string;
}

const skippedFolders = new Set(["node_modules", ".git", ".turbo", ".sluice", "coverage", "dist"]);

/** Every file below `root` that a clone would hold, as paths from `root`. */
export function listFiles(root: string, folder = root): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (skippedFolders.has(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return listFiles(root, path);
    return entry.isFile() ? [relative(root, path)] : [];
  });
}

const isTest = (file: string) => file.startsWith("test/") || file.endsWith(".test.ts");
const pure = /^packages\/(?:domain|routing|scheduling|engine|simulation)\//;
/** The real clock and chance behind the ports, for the apps to hand out. */
const adaptersOfPorts = new Set(["packages/engine/src/system.ts"]);
const mayReadEnvironment =
  /^apps\/[^/]+\/src\/main\.ts$|^packages\/(?:embedded|client\/examples)\/|^packages\/client\/src\/environment\.ts$|^scripts\/|^bin\//;
const mayFetch = /^packages\/(?:providers|webhooks|client)\/|^apps\/cli\/|^scripts\//;

// setImmediate is not here: it waits for a turn of the event loop, not for time.
const timers = new Set(["setTimeout", "setInterval"]);
const ambient = new Set(["Date.now", "Math.random", "performance.now", "process.hrtime", "Date()"]);
const timerModules = new Set(["node:timers", "node:timers/promises", "timers", "timers/promises"]);

/** `a.b` as written, or an empty string for anything else. */
function dotted(node: ts.Node): string {
  if (!ts.isPropertyAccessExpression(node) || !ts.isIdentifier(node.expression)) return "";
  return `${node.expression.text}.${node.name.text}`;
}

/** True for a name used as the global of that name, and not as a member (`clock.setTimeout`) or a declaration. */
function isFreeUse(node: ts.Node): node is ts.Identifier {
  if (!ts.isIdentifier(node)) return false;
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) {
    return parent.expression === node || parent.expression.getText() === "globalThis";
  }
  return (
    ts.isCallExpression(parent) ||
    ts.isShorthandPropertyAssignment(parent) ||
    ts.isVariableDeclaration(parent)
  );
}

function breaksPorts(node: ts.Node): boolean {
  if (ambient.has(dotted(node))) return true;
  if (ts.isNewExpression(node) && node.expression.getText() === "Date")
    return (node.arguments?.length ?? 0) === 0;
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    return timerModules.has(node.moduleSpecifier.text);
  }
  return isFreeUse(node) && timers.has(node.text);
}

function readsEnvironment(node: ts.Node): boolean {
  if (dotted(node) === "process.env") return true;
  if (!ts.isImportSpecifier(node)) return false;
  return (
    (node.propertyName ?? node.name).text === "env" && node.parent.parent.parent.getText().includes("process")
  );
}

function isDefaultExport(node: ts.Node): boolean {
  if (ts.isExportAssignment(node)) return true;
  if (ts.isExportSpecifier(node)) return node.name.text === "default";
  return (
    ts.canHaveModifiers(node) &&
    (ts.getModifiers(node) ?? []).some((m) => m.kind === ts.SyntaxKind.DefaultKeyword)
  );
}

function broken(file: string, node: ts.Node): SourceFault["rule"] | undefined {
  if (isDefaultExport(node) && !/\.config\.[jt]s$/.test(file)) return "default-export";
  if (isTest(file)) return undefined;
  if (readsEnvironment(node) && !mayReadEnvironment.test(file)) return "environment";
  if (pure.test(file) && !adaptersOfPorts.has(file) && breaksPorts(node)) return "ports";
  if (isFreeUse(node) && node.text === "fetch" && !mayFetch.test(file)) return "fetch";
  return undefined;
}

/** Reads the TypeScript files below `root` and names each place that breaks a rule no import shows. */
export function scanSources(root: string): { files: number; faults: SourceFault[] } {
  const files = listFiles(root).filter((file) => file.endsWith(".ts"));
  const faults = files.flatMap((file) => {
    const source = ts.createSourceFile(
      file,
      readFileSync(join(root, file), "utf8"),
      ts.ScriptTarget.Latest,
      true,
    );
    const found: SourceFault[] = [];
    const visit = (node: ts.Node): void => {
      const rule = broken(file, node);
      const line = source.getLineAndCharacterOfPosition(node.getStart()).line + 1;
      if (rule !== undefined) found.push({ rule, at: `${file}:${line}` });
      ts.forEachChild(node, visit);
    };
    visit(source);
    return found;
  });
  return { files: files.length, faults };
}
