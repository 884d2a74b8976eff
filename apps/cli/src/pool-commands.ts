import type { Command } from "commander";
import { command, type Finish } from "./command.ts";
import type { CliContext } from "./context.ts";

/** `pools`, and what operators do with targets. */
export function addPools(program: Command, context: CliContext, finish: Finish): void {
  command(program, "pools [operation] [pool] [target]", {
    description: "what each target takes and how it is; or pause, resume or drain one (an admin key)",
    examples: ["sluice pools", "sluice pools pause small small-openai", "sluice pools drain large large-gpu"],
  })
    .option("--json", "as JSON")
    .action(async (operation, pool, target, flags) =>
      finish((await import("./commands/pools.ts")).pools(context, { operation, pool, target }, flags)),
    );
}
