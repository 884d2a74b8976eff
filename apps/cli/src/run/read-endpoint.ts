import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { CliError, sentenceOf } from "../context.ts";
import { linesOf } from "./split-stream.ts";

const usual = "/v1/chat/completions";
const linesLookedAt = 100;

/**
 * The endpoint a batch file is for: the `url` of its first line that has one. Whether all lines agree is for the API
 * to say. Throws {@link CliError} (exit code 2) when there is no such file or it is empty.
 */
export async function readEndpoint(path: string): Promise<string> {
  await assertFile(path);
  let looked = 0;
  for await (const line of linesOf(createReadStream(path))) {
    const url = urlOf(line);
    if (url !== undefined) return url;
    looked += 1;
    if (looked >= linesLookedAt) break;
  }
  return usual;
}

async function assertFile(path: string): Promise<void> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    const reason = error.code === "ENOENT" ? "there is no such file" : sentenceOf(error);
    throw new CliError(`${path} cannot be read: ${reason}.`, 2, error);
  });
  if (!found.isFile()) throw new CliError(`${path} is not a file.`, 2);
  if (found.size === 0) throw new CliError(`${path} is empty: a batch has one JSON object per line.`, 2);
}

function urlOf(line: Buffer): string | undefined {
  try {
    const { url } = JSON.parse(line.toString("utf8")) as { url?: unknown };
    return typeof url === "string" && url !== "" ? url : undefined;
  } catch {
    return undefined;
  }
}
