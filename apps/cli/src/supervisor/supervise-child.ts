import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { exitWhenParentDies } from "@sluice/embedded";
import type { ChildOutput } from "./child-output.ts";
import type { Emit, Environment } from "./cluster-types.ts";
import { restartDelay } from "./restart-delay.ts";

/** What superviseChild needs. */
export type SuperviseChildOptions = {
  readonly name: string;
  readonly args: readonly string[];
  readonly env: Environment;
  readonly portVariable?: string | undefined;
  readonly output: ChildOutput;
  readonly emit: Emit;
};

/** A child that is started again whenever it dies, until it is stopped. */
export type SupervisedChild = {
  readonly name: string;
  readonly pid: number | undefined;
  /** URL it told when it became ready. */
  readonly url: string | undefined;
  /** Settles when it is ready for the first time; rejects when it ends by itself three times before that. */
  readonly ready: Promise<void>;
  /** SIGTERM, then SIGKILL after `graceMs`; answers when it is gone. */
  stop(graceMs: number): Promise<void>;
  /** SIGKILL, and no restart. */
  killNow(): void;
};

type ReadyMessage = { type: "ready"; url?: string; port?: number };

const attemptsToStart = 3;

/** Starts a child and keeps it running. */
export function superviseChild(options: SuperviseChildOptions): SupervisedChild {
  const { name, emit, output } = options;
  const firstReady = Promise.withResolvers<void>();
  // Who stops a child that never became ready does not wait for it; that is no unhandled rejection.
  firstReady.promise.catch(() => undefined);
  let child: ChildProcess | undefined;
  let timer: NodeJS.Timeout | undefined;
  let told: ReadyMessage | undefined;
  let stopping = false;
  let previousMs: number | undefined;
  let failedStarts = 0;

  const start = (): void => {
    const startedAt = performance.now();
    const started = spawnChild(options, portOf(told));
    child = started;
    if (started.pid !== undefined) emit({ type: "started", name, pid: started.pid });
    started.on("message", (message) => {
      if (!isReady(message)) return;
      told = message;
      emit({
        type: "ready",
        name,
        pid: started.pid,
        ...(message.url === undefined ? {} : { url: message.url }),
      });
      firstReady.resolve();
    });
    started.on("error", (error) => emit({ type: "failed", name, message: error.message }));
    started.on("exit", (code, signal) => {
      const delayMs = stopping
        ? undefined
        : restartDelay({ previousMs, livedMs: performance.now() - startedAt });
      child = undefined;
      emit({ type: "exited", name, pid: started.pid, code, signal, restartInMs: delayMs });
      if (delayMs === undefined) return;
      if (code !== null && told === undefined) failedStarts += 1;
      if (failedStarts >= attemptsToStart)
        firstReady.reject(new Error(didNotStart(name, code, output.tail())));
      previousMs = delayMs;
      timer = setTimeout(start, delayMs);
    });
  };
  start();

  const end = (): void => {
    stopping = true;
    clearTimeout(timer);
  };
  return {
    name,
    get pid() {
      return child?.pid;
    },
    get url() {
      return told?.url;
    },
    ready: firstReady.promise,
    stop: async (graceMs) => {
      end();
      if (child !== undefined) await endGently(child, graceMs);
    },
    killNow: () => {
      end();
      child?.kill("SIGKILL");
    },
  };
}

function spawnChild(
  { args, env, portVariable, output }: SuperviseChildOptions,
  port: number | undefined,
): ChildProcess {
  const samePort = port === undefined || portVariable === undefined ? {} : { [portVariable]: String(port) };
  return output.open((out) =>
    spawn(process.execPath, ["--import", exitWhenParentDies.href, ...args], {
      env: { ...env, ...samePort },
      // A session of its own: Ctrl-C reaches the supervisor alone, which drains in order.
      detached: true,
      stdio: ["ignore", out, out, "ipc"],
    }),
  );
}

async function endGently(child: ChildProcess, graceMs: number): Promise<void> {
  const gone = once(child, "exit");
  child.kill("SIGCONT"); // a stopped process cannot drain
  child.kill("SIGTERM");
  const force = setTimeout(() => child.kill("SIGKILL"), graceMs);
  await gone;
  clearTimeout(force);
}

/** A child that tells only its URL is found at that port again too. */
function portOf(told: ReadyMessage | undefined): number | undefined {
  if (told?.port !== undefined || told?.url === undefined) return told?.port;
  const { port } = new URL(told.url);
  return port === "" ? undefined : Number(port);
}

function isReady(message: unknown): message is ReadyMessage {
  return typeof message === "object" && message !== null && "type" in message && message.type === "ready";
}

function didNotStart(name: string, code: number | null, tail: string): string {
  return `${name} does not start (it ended with code ${code}).${tail === "" ? "" : ` It said:\n${tail}`}`;
}
