import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Mutation } from "./mutations.ts";

/** Where a script stands in a checkout. */
export function scriptPath(root: string, { script }: Mutation): string {
  return join(root, "packages", "capacity", "src", "lua", `${script}.lua`);
}

/** The script with the mutation in it. Throws when what it replaces does not stand there exactly once. */
export function mutated(root: string, mutation: Mutation): string {
  const parts = readFileSync(scriptPath(root, mutation), "utf8").split(mutation.from);
  if (parts.length !== 2)
    throw new Error(
      `"${mutation.name}": ${mutation.script}.lua has "${mutation.from}" ${parts.length - 1} times`,
    );
  return parts.join(mutation.to);
}
