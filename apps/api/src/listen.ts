import type { FastifyInstance } from "fastify";

const defaultPort = 8080;
const triedPorts = 100;

/** Listens on `port`, or, when none is asked for, on 8080 or the next free one. Throws a sentence when `port` is taken. */
export async function listen(
  server: FastifyInstance,
  host: string,
  port: number | undefined,
): Promise<string> {
  if (port !== undefined) {
    return server.listen({ host, port }).catch((error: unknown) => {
      if (!isTaken(error)) throw error;
      throw new Error(`port ${port} is taken: set SLUICE_PORT to a free one, or leave it unset`, {
        cause: error,
      });
    });
  }
  for (let candidate = defaultPort; candidate < defaultPort + triedPorts; candidate++) {
    try {
      return await server.listen({ host, port: candidate });
    } catch (error) {
      if (!isTaken(error)) throw error;
    }
  }
  return server.listen({ host, port: 0 });
}

function isTaken(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === "EADDRINUSE";
}
