import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { formatConfigErrors } from "./config-error.ts";
import { accepted, edit, smallest } from "./test-kit.ts";
import { watchConfig } from "./watch-config.ts";

const fiveTries = smallest;
const threeTries = `${smallest}retry: { max_attempts: 3 }\n`;
const faulty = edit(smallest, "provider: sim", "provider: nobody");

/** A watch over a file that is a variable, with what it told. */
function setup(text: string, env: Record<string, string> = {}) {
  const file = { text, touch: () => {}, isWatched: true };
  const told: string[] = [];
  const watch = watchConfig({
    path: "sluice.yaml",
    env,
    initial: accepted(text, env).config,
    readFile: async () => file.text,
    onChange: (config) => told.push(`changed to ${config.retry.maxAttempts}`),
    onError: (errors) => told.push(formatConfigErrors(errors)),
    watch: (_path, onChange) => {
      file.touch = onChange;
      return () => {
        file.isWatched = false;
      };
    },
  });
  return { file, told, watch };
}

test("a changed file becomes the current configuration", async () => {
  const { file, told, watch } = setup(fiveTries);
  file.text = threeTries;
  expect(watch.current().retry.maxAttempts).toBe(5);
  await watch.reload();
  expect(watch.current().retry.maxAttempts).toBe(3);
  expect(told).toEqual(["changed to 3"]);
});

test("a faulty file changes nothing and is told", async () => {
  const { file, told, watch } = setup(fiveTries);
  const before = watch.current();
  file.text = faulty;
  expect((await watch.reload()).ok).toBe(false);
  expect(watch.current()).toBe(before);
  expect(told).toEqual([
    expect.stringContaining("sluice.yaml:7:29 pools.small.targets[0].provider names an unknown provider"),
  ]);
});

test("a change of comments alone is not told", async () => {
  const { file, told, watch } = setup(fiveTries);
  file.text = `# a comment\n${fiveTries}`;
  expect((await watch.reload()).ok).toBe(true);
  expect(told).toEqual([]);
});

test("a new credential is taken over although the hash stays", async () => {
  const withKey = (key: string) =>
    edit(smallest, "providers:\n", `providers:\n  o: { kind: openai, api_key: ${key} }\n`);
  const { file, told, watch } = setup(withKey("first"));
  const { hash } = watch.current();
  file.text = withKey("second");
  await watch.reload();
  expect(watch.current().providers["o"]).toMatchObject({ apiKey: "second" });
  expect(watch.current().hash).toBe(hash);
  expect(told).toHaveLength(1);
});

test("reloads run one after the other, and the last text wins", async () => {
  const { file, told, watch } = setup(fiveTries);
  file.text = threeTries;
  const first = watch.reload();
  file.touch();
  const second = watch.reload().then(() => told.length);
  await first;
  file.text = fiveTries;
  await watch.reload();
  await second;
  expect(watch.current().retry.maxAttempts).toBe(5);
});

test("nothing is told after closing", async () => {
  const { file, told, watch } = setup(fiveTries);
  file.text = threeTries;
  const reload = watch.reload();
  watch.close();
  await reload;
  expect(told).toEqual([]);
  expect(file.isWatched).toBe(false);
});

test("a file replaced by rename is noticed without a signal", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sluice-config-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, "sluice.yaml");
  await writeFile(path, fiveTries);
  const changed = Promise.withResolvers<number>();
  const watch = watchConfig({
    path,
    env: {},
    initial: accepted(fiveTries).config,
    onChange: (config) => changed.resolve(config.retry.maxAttempts),
    onError: (errors) => changed.reject(new Error(formatConfigErrors(errors))),
  });
  onTestFinished(() => watch.close());
  await writeFile(`${path}.next`, threeTries);
  await rename(`${path}.next`, path);
  expect(await changed.promise).toBe(3);
});
