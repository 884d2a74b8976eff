import type { ASTNode } from "@marcbachmann/cel-js";

/** Something in an expression that cannot be allowed, with where it stands. */
export interface Objection {
  readonly problem: string;
  /** 0-based character of the expression. */
  readonly at: number;
}

const loops = new Set(["all", "exists", "exists_one", "map", "filter"]);

/** Takes time that grows with more than the size of what it reads, or gives a loop something new to run over. */
const forbidden: Readonly<Record<string, string>> = {
  matches: "matches() may take for ever on a hostile text: use contains(), startsWith() or endsWith()",
  bind: "cel.bind() is not supported: write the expression out",
};

/**
 * Finds what would make the time of an evaluation grow faster than the request it reads, so that no caller can stall
 * a worker: regular expressions, loops over anything but a field, loops in loops over anything but the outer
 * element's own fields, and `request` inside a loop.
 */
export function findCostly(root: ASTNode): Objection | undefined {
  return inspect(root, undefined);
}

/** `element` is the variable of the innermost loop around the node. */
function inspect(node: ASTNode, element: string | undefined): Objection | undefined {
  if (element !== undefined && node.op === "id" && node.args === "request") {
    return objection(node, "request cannot be named inside a loop: compare its elements with constants");
  }
  if (node.op !== "rcall") return firstOf(childrenOf(node), element);
  const [name, receiver, args] = node.args;
  const why = forbidden[name];
  if (why !== undefined) return objection(node, why);
  if (!loops.has(name)) return firstOf([receiver, ...args], element);
  const root = rangeOf(receiver);
  if (root === undefined) {
    return objection(node, `${name}() must run over a field, such as request.messages.${name}(m, …)`);
  }
  if (element !== undefined && root !== "" && root !== element) {
    return objection(
      node,
      `a loop inside another must run over the fields of ${element}, the outer one's element`,
    );
  }
  const [variable, ...bodies] = args;
  // An invalid variable is the type check's to report.
  const inner = variable?.op === "id" ? variable.args : element;
  return inspect(receiver, element) ?? firstOf(bodies, inner);
}

function firstOf(nodes: readonly ASTNode[], element: string | undefined): Objection | undefined {
  for (const node of nodes) {
    const found = inspect(node, element);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The variable whose field (or filtered field) a loop runs over; empty for a written list. */
function rangeOf(node: ASTNode): string | undefined {
  if (node.op === "id") return node.args;
  if (node.op === ".") return rangeOf(node.args[0]);
  if (node.op === "[]") return node.args[1].op === "value" ? rangeOf(node.args[0]) : undefined;
  if (node.op === "rcall") return node.args[0] === "filter" ? rangeOf(node.args[1]) : undefined;
  return node.op === "list" && node.args.every(({ op }) => op === "value") ? "" : undefined;
}

function objection(node: ASTNode, problem: string): Objection {
  return { problem, at: node.range.start };
}

/** What stands directly below a node. */
export function childrenOf({ args }: ASTNode): ASTNode[] {
  const found: ASTNode[] = [];
  const look = (value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) look(item);
    else if (isNode(value)) found.push(value);
  };
  look(args);
  return found;
}

function isNode(value: unknown): value is ASTNode {
  return typeof value === "object" && value !== null && "op" in value && "args" in value;
}
