import { type StoredTenant, type TenantConfig, tenantId } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { createFakeClock } from "../../../test/kit/fakes/fake-clock.ts";
import { createRecordingLogger } from "../../../test/kit/fakes/records.ts";
import { keepTenants } from "./keep-tenants.ts";
import { tenantConfig } from "./tenant-config.ts";

const settings = (weight: number): TenantConfig => ({ weight, limits: {}, maxPriority: 9 });

function setup() {
  const clock = createFakeClock();
  const logger = createRecordingLogger();
  const stored = new Map<string, StoredTenant>();
  const state = { version: 1, reads: 0, away: false };
  const book = keepTenants({
    ledger: {
      async accessVersion() {
        if (state.away) throw new Error("away");
        return state.version;
      },
      async madeTenants() {
        state.reads += 1;
        return [...stored.values()];
      },
    },
    clock,
    logger,
  });
  function put(name: string, weight: number, disabledAt?: number) {
    const id = tenantId(name);
    stored.set(name, { id, settings: settings(weight), createdAt: 0, updatedAt: 0, disabledAt });
    state.version += 1;
  }
  const file = { hash: "h", tenants: { default: settings(1), both: settings(5) } };
  const weightOf = (name: string) => {
    const config = book.into(file) as unknown as Parameters<typeof tenantConfig>[0];
    return tenantConfig(config, tenantId(name)).weight;
  };
  return { clock, logger, state, book, put, file, weightOf };
}

describe("the tenants that were made over the API", () => {
  test("stand beside those of the configuration, whose own win", async () => {
    const { book, put, file, weightOf } = setup();
    put("both", 7);
    put("made", 3);
    await book.refresh();
    expect([weightOf("both"), weightOf("made"), weightOf("unknown")]).toEqual([5, 3, 1]);
    expect(book.into(file).hash).toBe("h");
    expect(book.into(file)).toBe(book.into(file));
  });

  test("are looked for every second, and read only when something has changed", async () => {
    const { clock, state, book, put, weightOf } = setup();
    await book.refresh();
    book.start();
    await clock.advance(5_000);
    expect(state.reads).toBe(1);
    put("made", 3);
    await clock.advance(1_000);
    expect([state.reads, weightOf("made"), book.version()]).toEqual([2, 3, 2]);
    book.stop();
    put("made", 4);
    await clock.advance(5_000);
    expect([weightOf("made"), clock.pendingTimers()]).toEqual([3, 0]);
  });

  test("take effect also when the configuration is another by then", async () => {
    const { book, put, file } = setup();
    put("made", 3);
    await book.refresh();
    book.into(file);
    const next = { hash: "i", tenants: { default: settings(2) } };
    expect(book.into(next)).toEqual({ hash: "i", tenants: { default: settings(2), made: settings(3) } });
  });

  test("say when they are disabled", async () => {
    const { book, put, file } = setup();
    put("made", 3, 17);
    await book.refresh();
    expect(book.into(file).tenants).toMatchObject({ made: { weight: 3, disabled: true } });
  });

  test("stay as they are while the ledger is away, and are read when it is back", async () => {
    const { clock, logger, state, book, put, weightOf } = setup();
    put("made", 3);
    await book.refresh();
    book.start();
    state.away = true;
    put("made", 4);
    await expect(book.refresh()).rejects.toThrow("away");
    await clock.advance(2_000);
    expect(weightOf("made")).toBe(3);
    expect(logger.entries.map(({ level }) => level)).toEqual(["warn"]);
    state.away = false;
    await clock.advance(1_000);
    expect(weightOf("made")).toBe(4);
  });
});
