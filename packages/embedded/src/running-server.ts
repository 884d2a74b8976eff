/** How a server process ended: its exit code, or the signal that ended it. */
export type ServerExit = { readonly code: number | null; readonly signal: string | null };

/** Where a server comes from: a process of ours, a container of ours, or somebody else's (given by URL). */
export type ServerKind = "local" | "container" | "external";

/**
 * One Redis or PostgreSQL that answers at `url`, with the handles that faults and the supervisor need.
 * On an external server `close` does nothing and every other method throws: it is not ours to stop.
 */
export type RunningServer = {
  readonly name: "redis" | "postgres";
  readonly kind: ServerKind;
  /** Stays the same over `restart`. Carries the password: never log it. */
  readonly url: string;
  /** Process id of the server now; undefined while it is down, and for containers and external servers. */
  readonly pid: number | undefined;
  /** Settles when the process that runs now ends, for whatever reason. Never rejects. */
  readonly exited: Promise<ServerExit>;
  /** SIGKILL, and waits until it is gone. */
  kill9(): Promise<void>;
  /** Stops it cleanly and keeps its data. */
  stop(): Promise<void>;
  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): Promise<void>;
  /** SIGCONT: undoes `pause`. */
  cont(): Promise<void>;
  /** Starts it again on the same port and data, stopping it first when it runs. */
  restart(): Promise<void>;
  /** Stops it and removes data that was made only for this run. */
  close(): Promise<void>;
};

/** A Redis (or Valkey) with the one command tests need from outside the clients. */
export type RunningRedis = RunningServer & {
  /** `CONFIG SET name value`; throws with the server's answer when it refuses. */
  configSet(name: string, value: string): Promise<void>;
};
