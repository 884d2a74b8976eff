import { once } from "node:events";
import { createServer } from "node:net";
import { type CliContext, CliError, sentenceOf } from "../context.ts";

/**
 * Looks whether `SLUICE_PORT`, if it is set, can be listened on, before servers are started for nothing. Throws
 * {@link CliError} naming it.
 */
export async function assertPort({ env }: Pick<CliContext, "env">): Promise<void> {
  const text = env["SLUICE_PORT"] ?? "";
  if (text === "") return;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new CliError(`SLUICE_PORT must be a whole number from 0 to 65535, got "${text}"`);
  }
  const server = createServer();
  server.listen(port, env["SLUICE_HOST"] ?? "127.0.0.1");
  try {
    await once(server, "listening");
  } catch (error) {
    const isTaken = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
    const reason = isTaken ? "is taken" : `cannot be used (${sentenceOf(error)})`;
    throw new CliError(`port ${port} ${reason}: set SLUICE_PORT to a free one, or leave it unset`, 1, error);
  }
  server.close();
  await once(server, "close");
}
