import { localCluster } from "../api/find-api.ts";
import { type CliContext, CliError } from "../context.ts";

const roles = ["api", "dispatcher", "worker", "delivery"];

/**
 * `serve`: the whole cluster, as `npm start`; `serve ROLE`: that role in this process, until SIGTERM or Ctrl-C. Without
 * DATABASE_URL and REDIS_URL a role joins the cluster that runs on this machine. Answers the exit code, if there is one.
 */
export async function serve(context: CliContext, role: string | undefined): Promise<number | undefined> {
  if (role === undefined) return (await import("../cluster/up.ts")).up(context);
  if (!roles.includes(role)) throw new CliError(`"${role}" is not a role: one of ${roles.join(", ")}.`, 2);
  joinLocalCluster(context);
  // By its URL: an app does not import another app, it runs its program.
  await import(new URL(`../../../${role}/src/main.ts`, import.meta.url).href);
  return undefined;
}

function joinLocalCluster(context: CliContext): void {
  const { env } = context;
  if ((env["DATABASE_URL"] ?? "") !== "" || (env["REDIS_URL"] ?? "") !== "") return;
  const local = localCluster(context);
  if (local === undefined) return;
  const config = (env["SLUICE_CONFIG"] ?? "") === "" ? { SLUICE_CONFIG: local.configPath } : {};
  context.setEnv({
    DATABASE_URL: local.databaseUrl,
    REDIS_URL: local.redisUrl,
    SLUICE_SIMULATORS: JSON.stringify(local.simulators),
    ...config,
  });
}
