import { randomBytes } from "node:crypto";
import { freePort } from "./free-port.ts";
import type { RunningServer, ServerExit } from "./running-server.ts";

/** A server image, what it listens on, and how to speak to it. */
export type ContainerRecipe = {
  readonly name: RunningServer["name"];
  readonly image: string;
  readonly port: number;
  command(password: string): string[];
  environment(password: string): Record<string, string>;
  url(address: { host: string; port: number; password: string }): string;
};

/** Redis as a container, with the same settings as the local one. */
export const redisContainer: ContainerRecipe = {
  name: "redis",
  image: "redis:7-alpine",
  port: 6379,
  command: (password) => [
    "redis-server",
    "--requirepass",
    password,
    "--appendonly",
    "yes",
    "--maxmemory-policy",
    "noeviction",
    "--save",
    "",
  ],
  environment: () => ({}),
  url: ({ host, port, password }) => `redis://:${password}@${host}:${port}/0`,
};

/** PostgreSQL as a container. */
export const postgresContainer: ContainerRecipe = {
  name: "postgres",
  image: "postgres:18-alpine",
  port: 5432,
  command: () => ["postgres", "-c", "max_connections=200", "-c", "log_min_error_statement=panic"],
  environment: (password) => ({ POSTGRES_USER: "sluice", POSTGRES_PASSWORD: password }),
  url: ({ host, port, password }) => `postgres://sluice:${password}@${host}:${port}/sluice`,
};

/**
 * Runs a server in a container through testcontainers, whose reaper removes it when this process dies. Its host port
 * is chosen beforehand, so that the URL survives a restart. Data lives as long as the container.
 */
export async function startContainer(
  recipe: ContainerRecipe,
): Promise<RunningServer & { readonly password: string; readonly hostPort: number }> {
  // Loaded only here: it is large, and most machines never need it.
  const { GenericContainer, getContainerRuntimeClient } = await import("testcontainers");
  const password = randomBytes(24).toString("base64url");
  const hostPort = await freePort();
  const started = await new GenericContainer(recipe.image)
    .withExposedPorts({ container: recipe.port, host: hostPort })
    .withEnvironment(recipe.environment(password))
    .withCommand(recipe.command(password))
    .start();
  const client = await getContainerRuntimeClient();
  const handle = client.container.getById(started.getId());
  const ended = async (): Promise<ServerExit> => {
    try {
      const answer = (await handle.wait()) as { StatusCode: number };
      return { code: answer.StatusCode, signal: null };
    } catch {
      return { code: null, signal: null }; // removed, or Docker itself is gone
    }
  };
  let exited = ended();
  return {
    name: recipe.name,
    kind: "container",
    url: recipe.url({ host: started.getHost(), port: hostPort, password }),
    password,
    hostPort,
    pid: undefined,
    get exited() {
      return exited;
    },
    kill9: async () => handle.kill(),
    stop: async () => handle.stop(),
    pause: async () => handle.pause(),
    cont: async () => handle.unpause(),
    restart: async () => {
      await handle.restart();
      exited = ended();
    },
    close: async () => {
      await started.stop();
    },
  };
}
