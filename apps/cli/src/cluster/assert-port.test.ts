import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, test } from "vitest";
import { assertPort } from "./assert-port.ts";

test("a port that is taken is named; it is free again when nobody listens", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const env = { SLUICE_PORT: String(port) };
  await expect(assertPort({ env })).rejects.toThrow(`port ${port} is taken: set SLUICE_PORT to a free one`);
  server.close();
  await once(server, "close");
  await assertPort({ env });
  await assertPort({ env });
});

test.each(["x", "70000", "-1", "80.5"])("SLUICE_PORT=%s is no port", async (text) => {
  await expect(assertPort({ env: { SLUICE_PORT: text } })).rejects.toThrow(
    "SLUICE_PORT must be a whole number",
  );
});

test("an unset port is for the API to choose", async () => {
  await assertPort({ env: {} });
  await assertPort({ env: { SLUICE_PORT: "" } });
});
