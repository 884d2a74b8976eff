import { connectApi } from "../api/find-api.ts";
import type { DeadLetterGroupView, DeadLetterView, RedriveView } from "../api/operating-views.ts";
import { type CliContext, CliError } from "../context.ts";
import { count, plural, shellWord, table, usd } from "../format.ts";

interface FilterFlags {
  readonly model?: string | undefined;
  readonly batch?: string | undefined;
  readonly cause?: string | undefined;
  readonly since?: string | undefined;
}

/** The flags of `dead-letters`. */
export interface DeadLettersFlags extends FilterFlags {
  readonly group?: boolean | undefined;
  readonly limit?: string | undefined;
  readonly after?: string | undefined;
  readonly json?: boolean | undefined;
}

/** The flags of `redrive`. */
export interface RedriveFlags extends FilterFlags {
  readonly all?: boolean | undefined;
  readonly toPool?: readonly string[] | undefined;
  readonly toTarget?: readonly string[] | undefined;
  readonly exclude?: readonly string[] | undefined;
  readonly deadline?: string | undefined;
  readonly dryRun?: boolean | undefined;
  readonly json?: boolean | undefined;
}

/** `dead-letters`: why jobs died, one by one or counted. */
export async function deadLetters(context: CliContext, flags: DeadLettersFlags): Promise<number> {
  const { group, limit, after, json } = flags;
  const api = connectApi(context);
  if (group === true) {
    const groups = await api.groupDeadLetters(filterOf(flags));
    return show(context, json === true ? JSON.stringify(groups) : showGroups(groups.data));
  }
  const page = await api.listDeadLetters({ ...filterOf(flags), limit, after });
  if (json === true) return show(context, JSON.stringify(page));
  if (page.data.length === 0) return show(context, "no dead letters");
  const rest = Object.entries(filterFlags(flags)).map(([flag, value]) => ` ${flag} ${shellWord(value)}`);
  const more = `\nmore: npx sluice dead-letters${rest.join("")} --after ${page.last_id ?? ""}`;
  return show(context, `${showLetters(page.data)}${page.has_more ? more : ""}`);
}

/** `redrive [IDS]`: new jobs for dead ones. */
export async function redrive(
  context: CliContext,
  ids: readonly string[],
  flags: RedriveFlags,
): Promise<number> {
  const filter = { ...filterOf(flags), ...(ids.length === 0 ? {} : { ids }) };
  if (Object.keys(filter).length === 0 && flags.all !== true)
    throw new CliError("Name jobs, or say which: --model, --batch, --cause, --since, or --all.", 2);
  const routing = {
    ...(flags.toPool === undefined ? {} : { pools: flags.toPool }),
    ...(flags.toTarget === undefined ? {} : { targets: flags.toTarget }),
    ...(flags.exclude === undefined ? {} : { exclude: flags.exclude }),
  };
  const outcome = await connectApi(context).redrive({
    filter,
    ...(Object.keys(routing).length === 0 ? {} : { routing }),
    ...(flags.deadline === undefined ? {} : { deadline: flags.deadline }),
    ...(flags.dryRun === true ? { dry_run: true } : {}),
  });
  return show(context, flags.json === true ? JSON.stringify(outcome) : showOutcome(outcome));
}

function filterOf({ model, batch, cause, since }: FilterFlags): Record<string, string> {
  return defined({ model, batch_id: batch, cause, since });
}

function filterFlags({ model, batch, cause, since }: FilterFlags): Record<string, string> {
  return defined({ "--model": model, "--batch": batch, "--cause": cause, "--since": since });
}

function defined(values: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}

function showLetters(letters: readonly DeadLetterView[]): string {
  const rows = letters.map((letter) => [
    letter.id,
    letter.died_at,
    letter.model,
    letter.target ?? "",
    [letter.error.code, ...letter.calls.map(callsOf)].join(", "),
  ]);
  return table([["ID", "DIED", "MODEL", "TARGET", "CAUSE"], ...rows]);
}

function callsOf({ outcome, status_code, count: times }: DeadLetterView["calls"][number]): string {
  return `${outcome}${status_code === null ? "" : ` ${status_code}`} ×${times}`;
}

function showGroups(groups: readonly DeadLetterGroupView[]): string {
  if (groups.length === 0) return "no dead letters";
  const rows = groups.map((group) => [
    count(group.count),
    group.cause,
    group.model,
    group.target ?? "",
    group.newest_at,
    group.sample_ids[0] ?? "",
  ]);
  return table([["COUNT", "CAUSE", "MODEL", "TARGET", "NEWEST", "ONE OF THEM"], ...rows]);
}

function showOutcome(outcome: RedriveView): string {
  const left = outcome.skipped === 0 ? "" : `\n${count(outcome.skipped)} left as they are`;
  if (outcome.dry_run) {
    const { input, output } = outcome.tokens;
    const tokens = `${count(input)} tokens in, ${count(output)} out, about ${usd(outcome.cost_usd)}`;
    return `would redrive ${plural(outcome.count, "job")}: ${tokens}${left}`;
  }
  const { redriven, jobs } = outcome;
  const rows = jobs.map(({ from, to }) => [from, "→", to]);
  const beyond = redriven > jobs.length ? `\nand ${count(redriven - jobs.length)} more` : "";
  const list = rows.length === 0 ? "" : `\n${table(rows)}${beyond}`;
  return `redriven: ${plural(redriven, "job")}${list}${left}`;
}

function show({ out }: CliContext, text: string): number {
  out.write(`${text}\n`);
  return 0;
}
