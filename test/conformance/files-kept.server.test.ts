import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { type FileRecord, idFromUuid } from "@sluice/domain";
import { keepContent } from "@sluice/engine";
import { expect, onTestFinished, test } from "vitest";
import { createDirectoryFileStore } from "../../packages/files/src/index.ts";
import { setup as setupLedger, t0, tenant } from "../../packages/ledger/src/testing/setup.ts";
import { createFakeClock } from "../kit/fakes/fake-clock.ts";
import { propertyRuns } from "../kit/property-runs.ts";
import { seeded } from "../kit/seeded.ts";

const hour = 3_600_000;
const texts = ["a", "bb", "ccc"];

async function setup() {
  const { ledger, open, source, sql } = await setupLedger();
  const directory = await mkdtemp(join(tmpdir(), "sluice-test-kept-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const files = createDirectoryFileStore({ directory });
  const clock = createFakeClock(t0);
  const lease = await ledger.lead("dispatcher", "me", 100 * hour);
  const epoch = lease.leads ? lease.epoch : Number.NaN;
  const ledgers = [ledger, open(), open()];

  async function upload(text: string, by: number, endsWell: boolean): Promise<void> {
    const ports = { ledger: ledgers[by % ledgers.length] ?? ledger, files, clock };
    const { key, bytes } = await keepContent(ports, Readable.from([Buffer.from(text)]), 100);
    if (!endsWell) return;
    const id = idFromUuid("file", source.uuid());
    const file: FileRecord = {
      id,
      tenantId: tenant,
      filename: text,
      purpose: "vision",
      bytes,
      createdAt: clock.now(),
      expiresAt: undefined,
      content: { kind: "stored", key },
    };
    await ports.ledger.createFile(file);
  }
  const visible = () => ledger.listFiles(tenant, {}, { limit: 10_000, order: "asc" });
  async function sweep(): Promise<void> {
    await ledger.purgeFiles(epoch, clock.now(), 100);
    await ledger.dropContents(clock.now(), 100, (key) => files.delete(key));
  }
  async function contentOf({ id }: { readonly id: FileRecord["id"] }): Promise<string> {
    const file = await ledger.findFile(tenant, id);
    return file?.content.kind === "stored" ? (await files.read(file.content.key)).toString() : "no content";
  }
  const leftOver = async () => {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    return [entries.filter((entry) => entry.isFile()).length, await sql`SELECT * FROM contents`];
  };
  return { ledger, clock, upload, visible, sweep, contentOf, leftOver };
}

test("a file that can be seen can be read, whatever is uploaded, deleted, broken off and swept beside it", async () => {
  const { ledger, clock, upload, visible, sweep, contentOf, leftOver } = await setup();
  const draw = seeded(20_261_128);
  for (let round = 0; round < propertyRuns(40); round += 1) {
    const before = await visible();
    const acts = Array.from({ length: 12 }, async (_, by) => {
      const kind = draw();
      const text = texts[Math.floor(draw() * texts.length)] ?? "a";
      const victim = before[Math.floor(draw() * before.length)];
      if (kind < 0.4) return upload(text, by, kind < 0.3);
      if (kind < 0.8 && victim !== undefined) await ledger.deleteFile(tenant, victim.id, clock.now());
      return sweep();
    });
    await Promise.all(acts);
    for (const file of await visible()) expect(await contentOf(file)).toBe(file.filename);
    // Claims of this round are over in the next.
    await clock.advance(2 * hour);
  }
  for (const { id } of await visible()) await ledger.deleteFile(tenant, id, clock.now());
  await sweep();
  await sweep();
  expect(await leftOver()).toEqual([0, []]);
});
