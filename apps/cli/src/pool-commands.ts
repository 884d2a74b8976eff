import type { Command } from "commander";
import { command, type Finish } from "./command.ts";
import type { CliContext } from "./context.ts";

/** `pools`, and what operators do with targets. */
export function addPools(program: Command, context: CliContext, finish: Finish): void {
  command(program, "pools [operation] [pool] [words...]", {
    description:
      "what each target takes and how it is; or pause, resume or drain one, weigh it, shift traffic (an admin key)",
    examples: [
      "sluice pools",
      "sluice pools pause small small-openai",
      "sluice pools drain large large-gpu",
      "sluice pools weight small small-v2 0.5",
      "sluice pools weight small small-v2 configured",
      "sluice pools shift small small-v1 small-v2 10%",
    ],
  })
    .option("--json", "as JSON")
    .action(async (operation, pool, words, flags) =>
      finish((await import("./commands/pools.ts")).pools(context, { operation, pool, words }, flags)),
    );
}
