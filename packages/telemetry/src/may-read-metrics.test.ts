import { expect, it } from "vitest";
import { mayReadMetrics } from "./may-read-metrics.ts";

it.each(["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])(
  "lets this machine (%s) read the metrics",
  async (remoteAddress) => {
    expect(await mayReadMetrics({ remoteAddress, authorization: undefined })).toBe(true);
  },
);

it.each(["10.0.0.1", "::ffff:10.0.0.1", "fe80::1", "127.evil", undefined])(
  "asks %s for a key",
  async (remoteAddress) => {
    const authorize = (authorization: string | undefined) => authorization === "Bearer admin";
    expect(await mayReadMetrics({ remoteAddress, authorization: "Bearer admin" }, authorize)).toBe(true);
    expect(await mayReadMetrics({ remoteAddress, authorization: "Bearer other" }, authorize)).toBe(false);
    expect(await mayReadMetrics({ remoteAddress, authorization: "Bearer admin" })).toBe(false);
  },
);
