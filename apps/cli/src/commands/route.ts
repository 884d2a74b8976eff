import { connectApi } from "../api/find-api.ts";
import { type CliContext, CliError } from "../context.ts";
import { isBatchId } from "./ids.ts";
import { showRoute } from "./show-route.ts";
import { readJobBody, type SubmitFlags } from "./submit.ts";

/** `route`: where a job would go now, and why; nothing is enqueued. Answers 1 when nothing would take it. */
export async function route(
  context: CliContext,
  prompt: string | undefined,
  flags: SubmitFlags,
): Promise<number> {
  if ((prompt === undefined) === (flags.file === undefined))
    throw new CliError("Name one thing to route: a prompt, or --file job.json.", 2);
  const decision = await connectApi(context).previewRoute(await readJobBody(context, prompt, flags));
  context.out.write(`${flags.json === true ? JSON.stringify(decision) : showRoute(decision)}\n`);
  return decision.chosen === null ? 1 : 0;
}

/** `explain JOB`: the newest decision about a job, and why it fell that way. */
export async function explain(
  context: CliContext,
  id: string,
  flags: { json?: boolean | undefined },
): Promise<number> {
  if (isBatchId(id))
    throw new CliError("A batch has no route; name one of its jobs (sluice jobs --batch ID).", 2);
  const decision = await connectApi(context).readRoute(id);
  context.out.write(`${flags.json === true ? JSON.stringify(decision) : showRoute(decision)}\n`);
  return 0;
}
