import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { type AddressVerdict, createAddressRules } from "./address-rules.ts";
import { createGuardedConnector, ForbiddenAddressError, resolveBySystem } from "./guarded-connector.ts";
import { startReceiver } from "./testing/receiver.ts";

type Connector = ReturnType<typeof createGuardedConnector>;

function connect(connector: Connector, port: number, hostname = "127.0.0.1") {
  return new Promise((resolve) => {
    connector({ protocol: "http:", hostname, port: String(port) }, (error, socket) =>
      resolve(error ?? socket),
    );
  });
}

describe("the guarded connector, behind the guard of the URL", () => {
  it.each(["127.0.0.1", "::1", "::ffff:127.0.0.1"])(
    "refuses the literal %s, for which Node never calls lookup",
    async (host) => {
      await using receiver = await startReceiver((_, response) => response.end());
      const rules = createAddressRules(["10.0.0.0/8"]);
      const connector = createGuardedConnector({ rules, resolve: resolveBySystem, connectTimeoutMs: 20_000 });
      expect(await connect(connector, receiver.port, host)).toBeInstanceOf(ForbiddenAddressError);
      expect(receiver.connections()).toBe(0);
    },
  );

  it("drops a connection whose peer turns out to be another than the one checked", async () => {
    await using receiver = await startReceiver((_, response) => response.end());
    const verdicts: AddressVerdict[] = ["allowed-network", "forbidden"];
    const rules = { verdict: () => verdicts.shift() ?? "forbidden" };
    const connector = createGuardedConnector({ rules, resolve: resolveBySystem, connectTimeoutMs: 20_000 });
    const dropped = once(receiver.server, "connection").then(([socket]) => once(socket.resume(), "close"));
    expect(await connect(connector, receiver.port)).toBeInstanceOf(ForbiddenAddressError);
    await dropped;
  });
});
