import type { ClusterEvent } from "./cluster-types.ts";

/** One plain line for what a person at the terminal should know; undefined for what they need not. */
export function eventLine(event: ClusterEvent): string | undefined {
  switch (event.type) {
    case "started":
      return undefined;
    case "ready":
      return `${withPid(event)} is ready${event.url === undefined ? "" : ` at ${event.url}`}`;
    case "exited":
      return `${withPid(event)} ${ending(event)}${again(event.restartInMs)}`;
    case "failed":
      return `${event.name}: ${event.message}`;
    case "draining":
      return "stopping: running calls may finish (press Ctrl-C again to end at once)";
    case "stopped":
      return "stopped";
  }
}

function withPid(event: { name: string; pid: number | undefined }): string {
  return event.pid === undefined ? event.name : `${event.name} (process ${event.pid})`;
}

function ending(event: { code: number | null; signal: string | null }): string {
  if (event.signal !== null) return `was ended by ${event.signal}`;
  return event.code === 0 ? "ended" : `ended with code ${event.code}`;
}

function again(restartInMs: number | undefined): string {
  return restartInMs === undefined ? "" : `, starting it again in ${restartInMs / 1000} s`;
}
