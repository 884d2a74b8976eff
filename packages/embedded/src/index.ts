// Redis and PostgreSQL, started for a local cluster and for tests behind one interface.
export { createDatabase } from "./create-database.ts";
export { freePort } from "./free-port.ts";
export { isAlive, startOf } from "./process-identity.ts";
export type { RunningRedis, RunningServer, ServerExit, ServerKind } from "./running-server.ts";
export { secretFile } from "./secret-file.ts";
export { type StartPostgresOptions, startPostgres } from "./start-postgres.ts";
export { type StartRedisOptions, startRedis } from "./start-redis.ts";
