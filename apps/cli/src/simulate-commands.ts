import type { Command } from "commander";
import { command, type Finish } from "./command.ts";
import type { CliContext } from "./context.ts";

/** `simulate`. Its flags count for the trace before them, so it reads its arguments itself. */
export function addSimulate(program: Command, context: CliContext, finish: Finish): void {
  command(program, "simulate [traces...]", {
    description: "run recorded traffic through the engine under a virtual clock, beside simpler queues",
    examples: [
      "sluice simulate trace.jsonl",
      "sluice simulate conv.csv --sla interactive code.csv --sla standard --backlog 5000x800+200 --sla batch",
      "sluice simulate trace.jsonl --set pools.small.targets[0].limits.tokens_per_minute=50000 --html report.html",
    ],
  })
    .allowUnknownOption()
    .addHelpText(
      "after",
      `
A trace is JSONL ({"at_ms", "input_tokens", "output_tokens", "sla"?, "tenant"?, "model"?, "priority"?} a line) or an
Azure CSV (TIMESTAMP,ContextTokens,GeneratedTokens). What its lines leave out, the flags behind it say:
  --sla CLASS  --tenant NAME  --model ALIAS  --priority 0-9   (before the first trace: for all of them; as often as
                                       there are traces and backlogs: for each in its order)
  --mix interactive=0.7,standard=0.3   classes drawn by share    --tenants a=0.5,b=0.5   tenants drawn by share
  --backlog JOBSxINPUT+OUTPUT          work that lies there at the beginning, such as 5000x800+200
Of the whole:
  --config FILE (sluice.yaml)  --set path=value  --seed N (1)  --workers N (2)  --concurrency N (64, of each worker)
  --speed N  or  --load SHARE of the token limits  --repeat N  --for DURATION  --jobs N
  --scheduler sluice,fifo,static-priority  --json  --html FILE`,
    )
    .action(async (_traces, _flags, { args }: Command) =>
      finish((await import("./simulate/simulate-command.ts")).simulateCommand(context, args)),
    );
}
