import type { Command } from "commander";

/** Exit code, or `undefined` when the process goes on (a role that runs in it). */
export type Outcome = number | undefined;

/** Runs a command's work and keeps its outcome. */
export type Finish = (work: Promise<Outcome>) => Promise<void>;

interface About {
  readonly description?: string;
  readonly examples?: readonly string[];
  readonly hidden?: boolean;
}

/** Adds a command with its description and the examples of its help. */
export function command(
  program: Command,
  nameAndArguments: string,
  { description, examples, hidden = false }: About,
): Command {
  const made = program.command(nameAndArguments, { hidden });
  if (description !== undefined) made.description(description);
  if (examples !== undefined)
    made.addHelpText("after", `\nExamples:\n${examples.map((example) => `  ${example}`).join("\n")}`);
  return made;
}
