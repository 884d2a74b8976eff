// Redis and PostgreSQL, started for a local cluster and for tests behind one interface.
export { createDatabase } from "./create-database.ts";
export { freePort } from "./free-port.ts";
export { isAlive, startOf } from "./process-identity.ts";
export type { RunningRedis, RunningServer, ServerExit, ServerKind } from "./running-server.ts";
export { secretFile } from "./secret-file.ts";
export { type StartPostgresOptions, startPostgres } from "./start-postgres.ts";
export { type StartRedisOptions, startRedis } from "./start-redis.ts";

/**
 * A module to preload (`node --import URL`) into a child started with an IPC channel: when its parent is gone, even by
 * kill -9, the child ends at once.
 */
export const exitWhenParentDies: URL = new URL("./exit-when-parent-dies.ts", import.meta.url);
