import { idFromUuid } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { createFakeClock, settled } from "../../../test/kit/fakes/fake-clock.ts";
import { createMemoryWorkerLedger } from "../../../test/kit/fakes/memory-worker-ledger.ts";
import { createCountingIds, createRecordingLogger } from "../../../test/kit/fakes/records.ts";
import { keepLease, workerLeaseMs } from "./lease-keeper.ts";

async function setup() {
  const clock = createFakeClock();
  const ledger = createMemoryWorkerLedger(clock);
  const logger = createRecordingLogger();
  const ids = createCountingIds();
  const renewed: string[] = [];
  const lease = await keepLease({
    ledger,
    clock,
    logger,
    process: { host: "host", pid: 1 },
    newWorkerId: () => idFromUuid("worker", ids.uuid()),
    onRenewed: (id) => renewed.push(id),
  });
  /** Whether the ledger takes the worker for alive. */
  const lives = (id: typeof lease.workerId) => (ledger.leases.get(id) ?? 0) > clock.monotonicMs();
  return { clock, ledger, logger, lease, renewed, lives };
}

describe("keepLease", () => {
  test("holds the lease under one name for as long as renewals succeed", async () => {
    const { clock, lease, lives, renewed } = await setup();
    const { workerId } = lease;
    const signal = lease.signal();
    for (let minute = 0; minute < 10; minute += 1) {
      await clock.advance(60_000);
      expect(lease.holds() && lives(workerId)).toBe(true);
    }
    expect(lease.workerId).toBe(workerId);
    expect(lease.signal()).toBe(signal);
    expect(signal.aborted).toBe(false);
    expect(new Set(renewed)).toEqual(new Set([workerId]));
  });

  test.each(["hang", "fail"] as const)("aborts before the lease ends when renewals %s", async (how) => {
    const { clock, ledger, lease, lives } = await setup();
    const { workerId } = lease;
    const signal = lease.signal();
    if (how === "hang") ledger.faults.hang("renewLease");
    else ledger.faults.arm("renewLease", 10);
    await clock.advance(workerLeaseMs - 3_001);
    expect(lease.holds()).toBe(true);
    await clock.advance(1);
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toBe("lease-lost");
    expect(lease.holds()).toBe(false);
    expect(lives(workerId)).toBe(true);
  });

  test("survives single failures of renewals", async () => {
    const { clock, ledger, lease } = await setup();
    for (let round = 0; round < 20; round += 1) {
      ledger.faults.arm("renewLease", 2);
      await clock.advance(13_000);
      expect(lease.holds()).toBe(true);
    }
  });

  test("measures from before a renewal was asked for, however late the answer comes", async () => {
    const { clock, ledger, lease } = await setup();
    await clock.advance(3_999);
    const answer = ledger.faults.hang("renewLease");
    await clock.advance(12_000);
    answer();
    await settled();
    // Asked at 4 s, answered at 16 s: safe until 4 + 17 s. Renewals after that fail.
    ledger.faults.arm("renewLease", 10);
    await clock.advance(5_000);
    expect(lease.holds()).toBe(true);
    await clock.advance(1);
    expect(lease.holds()).toBe(false);
  });

  test("goes on under a new name, with a new signal, once its lease was lost", async () => {
    const { clock, ledger, lease, lives } = await setup();
    const { workerId } = lease;
    const signal = lease.signal();
    ledger.leases.delete(workerId);
    await clock.advance(4_000);
    expect(signal.aborted).toBe(true);
    expect(lease.workerId).not.toBe(workerId);
    expect(lease.holds() && lives(lease.workerId)).toBe(true);
    expect(lease.signal().aborted).toBe(false);
    expect(lives(workerId)).toBe(false);
  });

  test("takes a new name also when the answer to a renewal comes after it gave up", async () => {
    const { clock, ledger, lease, lives } = await setup();
    const { workerId } = lease;
    const answer = ledger.faults.hang("renewLease");
    await clock.advance(19_000);
    expect(lease.holds()).toBe(false);
    answer();
    await settled();
    expect(lease.holds()).toBe(false);
    await clock.advance(4_000);
    expect(lease.workerId).not.toBe(workerId);
    expect(lease.holds() && lives(lease.workerId)).toBe(true);
  });

  test("tries again under another name while it cannot register", async () => {
    const { clock, ledger, lease } = await setup();
    ledger.leases.clear();
    ledger.faults.arm("register", 3);
    await clock.advance(15_999);
    expect(lease.holds()).toBe(false);
    expect(lease.signal().aborted).toBe(true);
    await clock.advance(1);
    expect(lease.holds()).toBe(true);
  });

  test("holds nothing any more in the very moment a frozen process wakes", async () => {
    const { clock, lease } = await setup();
    const { workerId } = lease;
    const signal = lease.signal();
    const waking = clock.freeze(30_000);
    expect(lease.holds()).toBe(false);
    await waking;
    expect(signal.aborted).toBe(true);
    await clock.advance(4_000);
    expect(lease.holds()).toBe(true);
    expect(lease.workerId).not.toBe(workerId);
  });

  test("does not follow a wall clock that jumps", async () => {
    const { clock, lease } = await setup();
    clock.stepWall(3_600_000);
    await clock.advance(60_000);
    clock.stepWall(-7_200_000);
    await clock.advance(60_000);
    expect(lease.holds()).toBe(true);
    expect(lease.signal().aborted).toBe(false);
  });

  test("does not start when it cannot register", async () => {
    const clock = createFakeClock();
    const ledger = createMemoryWorkerLedger(clock);
    ledger.faults.arm("register");
    const ports = { ledger, clock, logger: createRecordingLogger(), process: { host: "h", pid: 1 } };
    await expect(keepLease({ ...ports, newWorkerId: () => "wrk_1" })).rejects.toThrow("register fails");
    expect(clock.pendingTimers()).toBe(0);
  });
});

describe("stopping", () => {
  test("ends the lease at once and leaves no timer", async () => {
    const { clock, lease, lives } = await setup();
    await clock.advance(60_000);
    await lease.stop();
    expect(lease.holds()).toBe(false);
    expect(lives(lease.workerId)).toBe(false);
    expect(clock.pendingTimers()).toBe(0);
  });

  test.each(["renewLease", "register"] as const)("leaves no timer when %s was under way", async (method) => {
    const { clock, ledger, lease } = await setup();
    if (method === "register") ledger.leases.clear();
    const answer = ledger.faults.hang(method);
    await clock.advance(4_000);
    const { workerId } = lease;
    await lease.stop();
    answer();
    await settled();
    expect(clock.pendingTimers()).toBe(0);
    expect(lease.workerId).toBe(workerId);
    expect(lease.holds()).toBe(false);
  });

  test("takes no new name when a renewal under way finds the lease gone", async () => {
    const { clock, ledger, lease } = await setup();
    const { workerId } = lease;
    const answer = ledger.faults.hang("renewLease");
    await clock.advance(4_000);
    await lease.stop();
    answer();
    await settled();
    expect([...ledger.leases.keys()]).toEqual([]);
    expect(lease.workerId).toBe(workerId);
  });

  test("does not fail when the ledger is away: the lease then lapses", async () => {
    const { clock, ledger, lease, logger } = await setup();
    ledger.faults.arm("retire");
    await lease.stop();
    expect(clock.pendingTimers()).toBe(0);
    expect(logger.entries.map(({ level }) => level)).toContain("warn");
  });
});
