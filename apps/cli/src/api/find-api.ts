import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type ClusterFile, readClusterFile } from "../cluster/cluster-file.ts";
import { type CliContext, CliError } from "../context.ts";
import { type ApiClient, type ApiPlace, createApiClient } from "./api-client.ts";

/** Where this machine's cluster keeps its data. */
export function dataDirOf({ env }: Pick<CliContext, "env">): string {
  return resolve(present(env["SLUICE_DATA_DIR"]) ?? ".sluice");
}

/** The cluster that runs on this machine's data directory, if one does. */
export function localCluster(context: Pick<CliContext, "env">): ClusterFile | undefined {
  return readClusterFile(dataDirOf(context));
}

/**
 * The API that commands talk to: `SLUICE_URL` with `SLUICE_API_KEY`, else the cluster of the data directory with its
 * admin key. Throws {@link CliError} saying which of them is missing.
 */
export function findApi(context: Pick<CliContext, "env">): ApiPlace {
  const { env } = context;
  const url = present(env["SLUICE_URL"]) ?? localCluster(context)?.url;
  if (url === undefined) {
    throw new CliError(
      `No cluster runs on ${dataDirOf(context)}: start one with npm start, or set SLUICE_URL.`,
    );
  }
  if (!URL.canParse(url)) throw new CliError("SLUICE_URL must be a URL such as http://127.0.0.1:8080.", 2);
  const key = present(env["SLUICE_API_KEY"]) ?? (isLocal(url) ? localKey(context) : undefined);
  if (key === undefined) throw new CliError(`No key for ${url}: set SLUICE_API_KEY.`);
  return { url, key };
}

/** A client of {@link findApi}. */
export function connectApi(context: Pick<CliContext, "env">): ApiClient {
  return createApiClient(findApi(context));
}

/** The local admin key is for this machine only: it never goes to another host by itself. */
function isLocal(url: string): boolean {
  return ["127.0.0.1", "localhost", "[::1]"].includes(new URL(url).hostname);
}

function localKey(context: Pick<CliContext, "env">): string | undefined {
  const given = present(context.env["SLUICE_ADMIN_KEY"]);
  if (given !== undefined) return given;
  try {
    return readFileSync(join(dataDirOf(context), "admin-key"), "utf8").trim();
  } catch {
    return undefined;
  }
}

function present(text: string | undefined): string | undefined {
  return text === undefined || text === "" ? undefined : text;
}
