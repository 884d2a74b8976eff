import { localCluster } from "../api/find-api.ts";
import { type CliContext, CliError } from "../context.ts";

/** `migrate`: brings the tables of `DATABASE_URL` (else of the local cluster) up to date. */
export async function migrateCommand(context: CliContext): Promise<number> {
  const given = context.env["DATABASE_URL"];
  const url = given === undefined || given === "" ? localCluster(context)?.databaseUrl : given;
  if (url === undefined)
    throw new CliError(
      "DATABASE_URL is not set: a PostgreSQL URL such as postgres://user:password@host/sluice.",
      2,
    );
  const { migrate } = await import("@sluice/ledger");
  const applied = await migrate(url);
  context.out.write(
    applied.length === 0
      ? "the tables are up to date\n"
      : `${applied.map((name) => `applied ${name}`).join("\n")}\n`,
  );
  return 0;
}
