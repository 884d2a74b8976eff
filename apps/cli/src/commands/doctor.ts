import { formatConfigErrors, loadConfig } from "@sluice/config";
import { connectApi, localCluster } from "../api/find-api.ts";
import type { ClusterFile } from "../cluster/cluster-file.ts";
import type { CliContext } from "../context.ts";
import { checkProcess } from "../doctor/check-processes.ts";
import { checkPostgresAt, checkRedisAt } from "../doctor/check-stores.ts";
import { type Check, findingLine, fine, runChecks, wrong } from "../doctor/finding.ts";

const neededNode = 24;

/** `doctor`: looks at everything Sluice needs; 1 when something is wrong. */
export async function doctor(context: CliContext, flags: { json?: boolean | undefined }): Promise<number> {
  const findings = await runChecks(checksFor(context));
  const isWrong = findings.some(({ level }) => level === "error");
  const text =
    flags.json === true ? JSON.stringify({ ok: !isWrong, findings }) : findings.map(findingLine).join("\n");
  context.out.write(`${text}\n`);
  return isWrong ? 1 : 0;
}

/** With `SLUICE_URL` only the API is there to be looked at; the stores too where their URLs are set. */
function checksFor(context: CliContext): Check[] {
  const { env } = context;
  const remote = present(env["SLUICE_URL"]);
  const local = remote === undefined ? localCluster(context) : undefined;
  const redisUrl = present(env["REDIS_URL"]) ?? local?.redisUrl;
  const databaseUrl = present(env["DATABASE_URL"]) ?? local?.databaseUrl;
  const isHere = remote === undefined;
  return [
    checkNode(),
    checkConfig(context, local),
    ...(isHere || redisUrl !== undefined ? [checkRedisAt(redisUrl)] : []),
    ...(isHere || databaseUrl !== undefined ? [checkPostgresAt(databaseUrl)] : []),
    checkProcess("API", remote?.replace(/\/+$/, "") ?? local?.url),
    ...(remote === undefined && local === undefined ? [] : [checkKey(context)]),
    ...Object.entries(local?.health ?? {}).map(([name, url]) => checkProcess(name, url)),
  ];
}

function checkNode(): Check {
  return {
    name: "Node",
    async run() {
      const { node } = process.versions;
      if (Number(node.split(".")[0]) >= neededNode) return fine(node);
      return wrong(`this is ${node}, Sluice runs on ${neededNode}: remove node_modules and run npm start.`);
    },
  };
}

function checkConfig({ env }: CliContext, local: ClusterFile | undefined): Check {
  return {
    name: "Configuration",
    async run() {
      const path = present(env["SLUICE_CONFIG"]) ?? local?.configPath ?? "sluice.yaml";
      const loaded = await loadConfig({ path, env });
      if (!loaded.ok) return wrong(`has errors:\n${formatConfigErrors(loaded.errors)}`);
      if (loaded.warnings.length === 0) return fine(path);
      return [{ level: "warning", message: formatConfigErrors(loaded.warnings) }];
    },
  };
}

function checkKey(context: CliContext): Check {
  return {
    name: "Key",
    async run() {
      await connectApi(context).listJobs({ limit: "1" });
      return fine("is accepted");
    },
  };
}

function present(text: string | undefined): string | undefined {
  return text === undefined || text === "" ? undefined : text;
}
