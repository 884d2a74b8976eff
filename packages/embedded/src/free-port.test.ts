import { expect, test } from "vitest";
import { freePort } from "./free-port.ts";

test("a port is given to one caller only, though none has bound it yet", async () => {
  const ports = await Promise.all(Array.from({ length: 1_000 }, () => freePort()));
  expect(new Set(ports).size).toBe(1_000);
});
