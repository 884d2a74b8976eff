import { tenantId } from "@sluice/domain";
import { describe, expect, it } from "vitest";
import { createReceiverGate } from "./receiver-gate.ts";

const of = (tenant: string, receiver: string) => ({ tenantId: tenantId(tenant), receiver });

function setup() {
  const gate = createReceiverGate({ perReceiver: 2, perTenant: 3 });
  return { gate, slow: of("a", "slow"), other: of("a", "other") };
}

describe("the gate before receivers", () => {
  it("gives a receiver its share, and a tenant the share of all its receivers", () => {
    const { gate, slow, other } = setup();
    expect([gate.enter(slow), gate.enter(slow), gate.enter(slow)]).toEqual([true, true, false]);
    expect(gate.busy()).toEqual({ receivers: [slow], tenants: [] });
    expect([gate.enter(other), gate.enter(other)]).toEqual([true, false]);
    expect(gate.busy().tenants).toEqual(["a"]);
    expect(gate.enter(of("b", "slow"))).toBe(true);
  });

  it("calls back what waits as soon as it has room", () => {
    const { gate, slow, other } = setup();
    for (const key of [slow, slow, other]) gate.enter(key);
    expect([gate.wait(slow), gate.wait(other)]).toEqual([true, true]);
    expect(gate.leave(slow)).toEqual([
      { key: slow, room: 1 },
      { key: other, room: 1 },
    ]);
    expect(gate.leave(slow)).toEqual([{ key: slow, room: 2 }]);
    expect(gate.leave(other)).toEqual([{ key: other, room: 2 }]);
  });

  it("does not let wait for what has room, and forgets what no longer waits", () => {
    const { gate, slow } = setup();
    expect(gate.wait(slow)).toBe(false);
    gate.enter(slow);
    gate.enter(slow);
    expect(gate.wait(slow)).toBe(true);
    gate.forget(slow);
    expect([gate.leave(slow), gate.leave(slow)]).toEqual([[], []]);
    expect(gate.busy()).toEqual({ receivers: [], tenants: [] });
  });
});
