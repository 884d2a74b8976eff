import { expect, test } from "vitest";
import { startGuarded } from "./start-guarded.ts";

test("a guard that cannot be started is told to whoever asked for it, and to nobody else", async () => {
  const { execPath } = process;
  process.execPath = "/nonexistent/node";
  try {
    const starting = startGuarded({
      command: "true",
      args: [],
      cwd: "/",
      logFile: "/dev/null",
      stopSignal: "SIGTERM",
      stopTimeoutMs: 1_000,
    });
    await expect(starting).rejects.toThrow("ENOENT");
  } finally {
    process.execPath = execPath;
  }
});
