import { Command, CommanderError } from "commander";
import { addKeys, addTenants } from "./access-commands.ts";
import { command, type Finish, type Outcome } from "./command.ts";
import { type CliContext, CliError, sentenceOf } from "./context.ts";
import { addDeadLetters } from "./dead-letter-commands.ts";
import { addPools } from "./pool-commands.ts";
import { addSimulate } from "./simulate-commands.ts";
import { addWebhooks } from "./webhook-commands.ts";

/** Runs the command that `args` name; answers the exit code. Never throws for what a user can cause. */
export async function runProgram(context: CliContext, args: readonly string[]): Promise<Outcome> {
  let outcome: Outcome = 0;
  const program = buildProgram(context, async (work) => {
    outcome = await work;
  });
  try {
    await program.parseAsync([...args], { from: "user" });
    return outcome;
  } catch (error) {
    // commander has written its own message already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    context.err.write(`${sentenceOf(error)}\n`);
    if (error instanceof CliError) return error.exitCode;
    if (error instanceof Error) context.err.write(`${error.stack ?? ""}\n`);
    return 1;
  }
}

function buildProgram(context: CliContext, finish: Finish): Command {
  const program = new Command("sluice")
    .description("A queue-based, asynchronous LLM routing cluster.")
    .exitOverride()
    .showHelpAfterError("(sluice --help lists the commands)")
    .configureOutput({
      writeOut: (text) => context.out.write(text),
      writeErr: (text) => context.err.write(text),
    })
    .addHelpText(
      "after",
      `
Commands talk to SLUICE_URL with SLUICE_API_KEY, else to the cluster that runs on SLUICE_DATA_DIR (.sluice).
Exit codes: 0 all went well, 1 it did not, 2 it was asked for in a wrong way or the file is not valid.`,
    );
  addServing(program, context, finish);
  addSubmitting(program, context, finish);
  addLooking(program, context, finish);
  addPools(program, context, finish);
  addRouting(program, context, finish);
  addDeadLetters(program, context, finish);
  addSimulate(program, context, finish);
  addWebhooks(program, context, finish);
  addKeys(program, context, finish);
  addTenants(program, context, finish);
  return program;
}

function addServing(program: Command, context: CliContext, finish: Finish): void {
  command(program, "up", { hidden: true }).action(async () =>
    finish((await import("./cluster/up.ts")).up(context)),
  );
  command(program, "serve [role]", {
    description: "run the whole cluster, or one role (api, dispatcher, worker, delivery) in this process",
    examples: ["sluice serve", "DATABASE_URL=… REDIS_URL=… sluice serve worker"],
  }).action(async (role) => finish((await import("./commands/serve.ts")).serve(context, role)));
  command(program, "run <file>", {
    description:
      "run a batch file (JSONL) from start to end on a cluster of its own, or on the one that runs here",
    examples: [
      "npm start -- run examples/sample.jsonl --out out.jsonl",
      "npm start -- run FILE.jsonl --out OUT.jsonl --deadline 10m",
    ],
  })
    .requiredOption("--out <file>", "where the result lines go")
    .option("--sla <class>", "SLA class of sluice.yaml")
    .option("--deadline <duration>", "such as 30s, 10m, 24h")
    .option("--max-spend <usd>", "what all its calls together may cost")
    .option("--stop-on-error-rate <0-1>", "ends it when more of its lines fail")
    .option("--config <file>", "configuration, instead of sluice.yaml")
    .option("--json", "the outcome as JSON on standard output")
    .action(async (file, flags) => finish((await import("./run/run-command.ts")).run(context, file, flags)));
  command(program, "migrate", { hidden: true }).action(async () =>
    finish((await import("./commands/migrate.ts")).migrateCommand(context)),
  );
  command(program, "doctor", {
    description: "look whether everything that Sluice needs is there and well set up",
    examples: ["sluice doctor"],
  })
    .option("--json", "as JSON")
    .action(async (flags) => finish((await import("./commands/doctor.ts")).doctor(context, flags)));
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

function addSubmitting(program: Command, context: CliContext, finish: Finish): void {
  command(program, "submit [prompt-or-batch]", {
    description: "submit a prompt, a batch file (its name ends in .jsonl) or a job's JSON",
    examples: [
      'sluice submit --model auto "Name three rivers." --wait',
      "sluice submit --file job.json",
      "sluice submit --lines jobs.ndjson --sla batch --idempotency-key tonight",
      "sluice submit batch.jsonl --deadline 1h --wait",
      "sluice submit batch.jsonl --max-spend 5 --stop-on-error-rate 0.2",
      "sluice submit batch.jsonl --resume-from batch_…",
    ],
  })
    .option("--model <alias>", "model of a prompt (default: auto)")
    .option("--max-tokens <number>", "longest answer to a prompt")
    .option("--file <job.json>", "a body of POST /v1/jobs; - is standard input")
    .option(
      "--lines <jobs.ndjson>",
      "jobs, one per line, as POST /v1/jobs/bulk takes them; - is standard input",
    )
    .option("--idempotency-key <key>", "of --lines: sent again, they make no job twice")
    .option("--sla <class>", "SLA class")
    .option("--deadline <duration>", "of a job: duration or moment; of a batch: its completion window")
    .option("--priority <0-9>", "9 is the most urgent")
    .option("--webhook-url <url>", "told when it has ended")
    .option("--metadata <key=value>", "kept with it; may be repeated", collect)
    .option("--max-spend <usd>", "of a batch: what all its calls together may cost")
    .option("--stop-on-error-rate <0-1>", "of a batch: ends it when more of its lines fail")
    .option("--resume-from <batch>", "of a batch: takes over results of this ended one, for equal lines")
    .option("--wait", "show progress until the end")
    .option("--json", "the object as JSON")
    .action(async (what, flags) =>
      finish((await import("./commands/submit.ts")).submit(context, what, flags)),
    );
  command(program, "retry <batch>", {
    description: "make a new batch of the lines of an ended one that did not succeed",
    examples: ["sluice retry batch_… --wait", "sluice retry batch_… --deadline 1h --max-spend 5"],
  })
    .option("--sla <class>", "instead of that of the batch")
    .option("--deadline <duration>", "instead of its completion window")
    .option("--priority <0-9>", "instead of its own")
    .option("--webhook-url <url>", "instead of its own")
    .option("--metadata <key=value>", "instead of its own; may be repeated", collect)
    .option("--max-spend <usd>", "what all calls of the new one together may cost")
    .option("--stop-on-error-rate <0-1>", "ends the new one when more of its lines fail")
    .option("--wait", "show progress until the end")
    .option("--json", "the object as JSON")
    .action(async (id, flags) => finish((await import("./commands/submit.ts")).retry(context, id, flags)));
  command(program, "cancel <id>", {
    description: "cancel a job or a batch",
    examples: ["sluice cancel job_…"],
  })
    .option("--json", "the object as JSON")
    .action(async (id, flags) => finish((await import("./commands/look.ts")).cancel(context, id, flags)));
}

function addLooking(program: Command, context: CliContext, finish: Finish): void {
  command(program, "status <id>", {
    description: "where a job or a batch stands",
    examples: ["sluice status batch_…"],
  })
    .option("--json", "the object as JSON")
    .action(async (id, flags) => finish((await import("./commands/look.ts")).status(context, id, flags)));
  command(program, "watch <id>", {
    description: "show progress until a job or a batch has ended",
    examples: ["sluice watch batch_…"],
  })
    .option("--json", "the object as JSON when it has ended")
    .action(async (id, flags) => finish((await import("./commands/watch.ts")).watch(context, id, flags)));
  command(program, "results <id>", {
    description: "what a job answered, or the lines of a batch",
    examples: ["sluice results job_…", "sluice results batch_… --out out.jsonl"],
  })
    .option("--out <file>", "write them there")
    .option("--json", "of a job: the whole object; of a batch with --out: the counts")
    .action(async (id, flags) => finish((await import("./commands/results.ts")).results(context, id, flags)));
  command(program, "jobs", {
    description: "list jobs, newest first",
    examples: ["sluice jobs --status queued,running", "sluice jobs --batch batch_… --status dead --json"],
  })
    .option(
      "--status <states>",
      "queued, running, waiting, succeeded, failed, dead, cancelled, expired; several with commas",
    )
    .option("--limit <number>", "at most 100", "20")
    .option("--model <alias>", "only of this model")
    .option("--sla <class>", "only of this SLA class")
    .option("--batch <id>", "only of this batch")
    .option("--metadata <key=value>", "only with this pair; may be repeated", collect)
    .option("--order <asc|desc>", "oldest or newest first", "desc")
    .option("--after <id>", "the page behind this job")
    .option("--json", "the page as JSON")
    .action(async (flags) => finish((await import("./commands/look.ts")).jobs(context, flags)));
}

function addRouting(program: Command, context: CliContext, finish: Finish): void {
  command(program, "check [config]", {
    description: "look whether a configuration can be used, without a cluster (default: sluice.yaml)",
    examples: ["sluice check sluice.yaml", "sluice check sluice.yaml --strict --json"],
  })
    .option("--strict", "exit code 1 on warnings too")
    .option("--json", "errors and warnings as JSON")
    .action(async (file, flags) => finish((await import("./commands/check.ts")).check(context, file, flags)));
  const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];
  command(program, "route [prompt]", {
    description: "where a job would go now, and why; nothing is enqueued",
    examples: ['sluice route --model auto "Name three rivers."', "sluice route --file job.json --json"],
  })
    .option("--model <alias>", "model of a prompt (default: auto)")
    .option("--max-tokens <number>", "longest answer to a prompt")
    .option("--file <job.json>", "a body of POST /v1/jobs; - is standard input")
    .option("--sla <class>", "SLA class")
    .option("--deadline <duration>", "duration or moment")
    .option("--priority <0-9>", "9 is the most urgent")
    .option("--metadata <key=value>", "may be repeated", collect)
    .option("--json", "the decision as JSON")
    .action(async (prompt, flags) =>
      finish((await import("./commands/route.ts")).route(context, prompt, flags)),
    );
  command(program, "explain <job>", {
    description: "where a job went, and why: candidates, scores, rules, what was dropped",
    examples: ["sluice explain job_…"],
  })
    .option("--json", "the decision as JSON")
    .action(async (id, flags) => finish((await import("./commands/route.ts")).explain(context, id, flags)));
}
