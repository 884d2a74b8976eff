import type { RunningServer } from "@sluice/embedded";

type Target = { readonly name: string; readonly pid: number | undefined };
type Signalling = {
  readonly name: string;
  readonly signal: NodeJS.Signals;
  readonly servers: readonly RunningServer[];
  readonly children: readonly Target[];
};

/** Sends a signal to a child or server by name; throws when no such process runs now. */
export async function sendSignal({ name, signal, servers, children }: Signalling): Promise<void> {
  const server = servers.find((one) => one.name === name);
  if (server !== undefined) return signalServer(server, signal);
  const pid = children.find((child) => child.name === name)?.pid;
  if (pid === undefined) throw new Error(`no process named "${name}" runs now`);
  process.kill(pid, signal);
}

async function signalServer(server: RunningServer, signal: NodeJS.Signals): Promise<void> {
  if (signal === "SIGKILL") return server.kill9();
  if (signal === "SIGSTOP") return server.pause();
  if (signal === "SIGCONT") return server.cont();
  if (server.pid === undefined) throw new Error(`${server.name} does not run now`);
  process.kill(server.pid, signal);
}
