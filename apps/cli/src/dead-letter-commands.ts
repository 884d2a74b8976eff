import type { Command } from "commander";
import { command, type Finish } from "./command.ts";
import type { CliContext } from "./context.ts";

const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];

/** `dead-letters`, `redrive` and `lanes`. */
export function addDeadLetters(program: Command, context: CliContext, finish: Finish): void {
  withFilter(
    command(program, "dead-letters", {
      description: "list jobs that died and have not been redriven, newest first, with how their calls ended",
      examples: ["sluice dead-letters --group", "sluice dead-letters --model auto --since 24h --json"],
    }),
  )
    .option("--group", "count them by cause, model and target")
    .option("--limit <number>", "at most 100", "20")
    .option("--after <id>", "the page behind this job")
    .option("--json", "the page as JSON")
    .action(async (flags) =>
      finish((await import("./commands/dead-letters.ts")).deadLetters(context, flags)),
    );
  withFilter(
    command(program, "redrive [ids...]", {
      description: "make new jobs of dead ones, those named or those that match",
      examples: [
        'sluice redrive --cause "attempts_exhausted: overloaded 503" --dry-run',
        "sluice redrive --batch batch_… --to-pool large --deadline 2h",
        "sluice redrive job_… job_…",
      ],
    }),
  )
    .option("--all", "every dead letter")
    .option("--to-pool <name>", "the pool for the new jobs; may be repeated", collect)
    .option("--to-target <id>", "the target for the new jobs; may be repeated", collect)
    .option("--exclude <id>", "a target that the new jobs must not use; may be repeated", collect)
    .option("--deadline <duration-or-time>", "of the new jobs, such as 30m")
    .option("--dry-run", "only count them, their tokens and what they would cost")
    .option("--json", "the outcome as JSON")
    .action(async (ids, flags) =>
      finish((await import("./commands/dead-letters.ts")).redrive(context, ids, flags)),
    );
  command(program, "lanes", {
    description: "what waits in each lane, and behind it in the ledger (an admin key)",
    examples: ["sluice lanes", "sluice lanes --json"],
  })
    .option("--json", "as JSON")
    .action(async (flags) => finish((await import("./commands/lanes.ts")).lanes(context, flags)));
}

function withFilter(made: Command): Command {
  return made
    .option("--model <alias>", "only of this model")
    .option("--batch <id>", "only lines of this batch")
    .option("--cause <cause>", "only those that died of this: a whole cause, or the code it begins with")
    .option("--since <duration-or-time>", "only those that died since then, such as 24h ago");
}
