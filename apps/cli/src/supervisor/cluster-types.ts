/** Environment of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What a child can be told when it is started: where its servers are, and what earlier stages said. */
export type ChildContext = {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly adminKey: string;
  /** URLs that children which are ready have told, by child name. */
  readonly urls: Readonly<Record<string, string>>;
};

/**
 * A kind of child process. The child is a Node program; it sends `{ type: "ready", url?, port? }` over IPC when it
 * works, drains on SIGTERM, and is ended by force when the supervisor is gone.
 */
export type ChildSpec = {
  readonly name: string;
  /** How many; more than one are named `name-1`, `name-2` …; default 1. */
  readonly count?: number;
  /** Arguments of node: the script first. */
  readonly args: readonly string[];
  /** Added to the supervisor's own environment. */
  readonly env?: Environment | ((context: ChildContext) => Environment);
  /** The variable that names its port: after the first start it is set to the port the child told, so that URLs stay. */
  readonly portVariable?: string;
};

/** Something that happened to the cluster, in the order it happened. */
export type ClusterEvent =
  | { readonly type: "started"; readonly name: string; readonly pid: number }
  | { readonly type: "ready"; readonly name: string; readonly pid: number | undefined; readonly url?: string }
  | {
      readonly type: "exited";
      readonly name: string;
      readonly pid: number | undefined;
      readonly code: number | null;
      readonly signal: string | null;
      /** When it is started again; undefined when it was meant to end. */
      readonly restartInMs: number | undefined;
    }
  | { readonly type: "failed"; readonly name: string; readonly message: string }
  | { readonly type: "draining" }
  | { readonly type: "stopped" };

/** What the supervisor does with events. */
export type Emit = (event: ClusterEvent) => void;

/** Options of startCluster. */
export type ClusterOptions = {
  /** Kept: the servers' data, the admin key, logs and the lock. */
  readonly dataDir: string;
  /** The environment children inherit; `SLUICE_ADMIN_KEY`, `DATABASE_URL` and `REDIS_URL` are read from it. */
  readonly env: Environment;
  /** Brings the database's tables up to date, once it answers. */
  readonly migrate: (databaseUrl: string) => Promise<void>;
  /** Started in this order, each stage when the one before is ready; stopped in the opposite order. */
  readonly stages: readonly (readonly ChildSpec[])[];
  readonly onEvent?: Emit;
  /** Told, in plain lines, what takes long at the start. */
  readonly log?: (line: string) => void;
  /** "file" (default): `dataDir/logs/NAME.log`; "inherit": the supervisor's own output. */
  readonly childOutput?: "file" | "inherit";
  /** How long a child may drain before it is killed, in milliseconds; default 30 s. */
  readonly drainMs?: number;
  /** For tests: PostgreSQL without fsync. */
  readonly fastPostgres?: boolean;
  /** Aborting ends the start: what runs is stopped and startCluster rejects. */
  readonly signal?: AbortSignal;
};

/** A running cluster. */
export type Cluster = {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly adminKey: string;
  /** URLs that children told when they became ready, by name. */
  readonly urls: Readonly<Record<string, string>>;
  /** URL of the child named "api"; throws when there is none. */
  readonly apiUrl: string;
  /** Every process that runs now, servers included. */
  readonly processes: readonly { readonly name: string; readonly pid: number }[];
  /** All that happened so far. */
  readonly events: readonly ClusterEvent[];
  /** Waits for the next event that matches; earlier events do not count. */
  waitFor(matches: (event: ClusterEvent) => boolean): Promise<ClusterEvent>;
  /** Sends a signal to a process by name; SIGSTOP, SIGCONT and SIGKILL reach all processes of a server. */
  kill(name: string, signal: NodeJS.Signals): Promise<void>;
  /** Drains: the last stage first, then the stages before it, then the servers. */
  stop(): Promise<void>;
  /** Kills every child at once; the servers are stopped cleanly by their guards when this process ends. */
  killNow(): void;
};
