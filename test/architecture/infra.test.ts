import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { formatConfigErrors, loadConfig } from "@sluice/config";
import { expect, test } from "vitest";

const repository = join(import.meta.dirname, "../..");
const read = (file: string) => readFileSync(join(repository, file), "utf8");

interface Service {
  image: string;
  command?: string[];
  entrypoint?: string[];
  environment?: Record<string, string | null>;
  ports?: string[];
  networks: string[];
  healthcheck?: { test: string[] };
  volumes?: string[];
  depends_on?: Record<string, { condition: string }>;
}
interface Compose {
  services: Record<string, Service>;
  networks: Record<string, { internal?: boolean } | null>;
  volumes: Record<string, unknown>;
}

/** The YAML reader is a dependency of packages/config, which this test reads through. */
const yaml = createRequire(join(repository, "packages/config/package.json"))("yaml") as {
  parse(text: string, options: { merge: boolean }): unknown;
};
const compose = yaml.parse(read("infra/compose/compose.yaml"), { merge: true }) as Compose;
const services = Object.entries(compose.services);
const ours = services.filter(([, { image }]) => image === "sluice:local");
const roles = ours.filter(([, { entrypoint }]) => entrypoint === undefined);
const dockerfile = read("infra/docker/Dockerfile");

/** Runs a program under this Node and answers its exit code and output. */
async function run(command: string, args: string[], env: Record<string, string> = {}) {
  const path = `${dirname(process.execPath)}:${process.env.PATH}`;
  const child = spawn(command, args, { cwd: repository, env: { PATH: path, ...env } });
  let output = "";
  child.stdout.on("data", (bytes: Buffer) => {
    output += bytes.toString();
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, output };
}

test("runs every role of apps/ from the one image, and no other", () => {
  const inCompose = roles.map(([, { command }]) => command?.[0]).sort();
  // The cli supervises roles on one machine; here that is what compose does.
  const inApps = readdirSync(join(repository, "apps")).filter((app) => app !== "cli");
  expect(inCompose).toEqual(inApps.sort());
  expect(inApps.filter((app) => !existsSync(join(repository, `apps/${app}/src/main.ts`)))).toEqual([]);
  expect(inApps.filter((app) => !dockerfile.includes(`--filter @sluice/${app}-app...`))).toEqual([]);
});

test("brings the schema up to date before any role starts", () => {
  const stored = roles.filter(([name]) => name !== "simulator");
  const early = stored.filter(
    ([, { depends_on: after }]) => after?.migrate?.condition !== "service_completed_successfully",
  );
  expect(early).toEqual([]);
  expect(existsSync(join(repository, compose.services.migrate?.entrypoint?.[1] ?? "none"))).toBe(true);
});

test("gives every role the environment it cannot start without", () => {
  const required = ["DATABASE_URL", "REDIS_URL", "SLUICE_CONFIG", "SLUICE_FILES_URL", "SLUICE_HOST"];
  for (const [name, { environment = {} }] of roles.filter(([role]) => role !== "simulator")) {
    expect(Object.keys(environment), name).toEqual(expect.arrayContaining(required));
    expect(environment.SLUICE_HOST, name).toBe("0.0.0.0");
    expect(environment[name === "api" ? "SLUICE_PORT" : "SLUICE_HEALTH_PORT"], name).toMatch(/^\d+$/);
  }
  expect(compose.services.api?.environment?.SLUICE_ADMIN_KEY).toContain("${SLUICE_ADMIN_KEY:?");
});

test("keeps every secret out of the file: each comes from .env, and .env.example names it", () => {
  const text = read("infra/compose/compose.yaml");
  const wanted = new Set([...text.matchAll(/\$\{([A-Z_]+):\?/g)].map(([, name]) => name));
  const example = new Set(
    [...read("infra/compose/.env.example").matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name),
  );
  expect(wanted.size).toBeGreaterThanOrEqual(3);
  expect([...wanted].filter((name) => !example.has(name))).toEqual([]);
  expect(read(".gitignore").split("\n")).toContain(".env");
});

test("publishes the api only, and keeps the stores on a network without a way out", () => {
  expect(services.filter(([, { ports }]) => ports !== undefined).map(([name]) => name)).toEqual(["api"]);
  expect(compose.networks.stores?.internal).toBe(true);
  expect(compose.services.postgres?.networks).toEqual(["stores"]);
  expect(compose.services.redis?.networks).toEqual(["stores"]);
});

test("mounts only files and volumes that exist, and pins every image by tag", () => {
  const mounts = services.flatMap(([, { volumes = [] }]) =>
    volumes.map((mount) => mount.split(":")[0] ?? ""),
  );
  const missing = mounts.filter((mount) =>
    mount.startsWith("./")
      ? !existsSync(join(repository, "infra/compose", mount))
      : !(mount in compose.volumes),
  );
  const images = [
    ...services.map(([, { image }]) => image),
    ...[...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image),
  ];
  expect(missing).toEqual([]);
  expect(images.filter((image) => !/^[a-z]+:(?!latest)[\w.-]+$/.test(image ?? ""))).toEqual([]);
});

test("checks the health of every container", () => {
  const own = services.filter(
    ([, { image, healthcheck }]) => image !== "sluice:local" && healthcheck === undefined,
  );
  expect(own).toEqual([]);
  expect(dockerfile).toMatch(/^HEALTHCHECK /m);
  expect(dockerfile).toMatch(/^USER node$/m);
});

test("starts a role with its arguments through the image's entry point", async () => {
  const entry = JSON.parse(/^ENTRYPOINT (.+)$/m.exec(dockerfile)?.[1] ?? "[]") as string[];
  const { code, output } = await run(entry[0] ?? "", [...entry.slice(1), "simulator", "--help"]);
  expect(code).toBe(0);
  expect(output).toContain("--ttft-ms");
});

test.each([
  { status: 200, code: 0 },
  { status: 503, code: 1 },
])("ends the image's health check with $code when /healthz answers $status", async ({ status, code }) => {
  const server = createServer((request, response) =>
    response.writeHead(request.url === "/healthz" ? status : 404).end(),
  );
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const check = await run("node", ["infra/docker/health-check.mjs"], { SLUICE_HEALTH_PORT: String(port) });
  server.close();
  expect(check.code).toBe(code);
});

test("ends the image's health check with 1 when nobody listens", async () => {
  const { code } = await run("node", ["infra/docker/health-check.mjs"], { SLUICE_HEALTH_PORT: "1" });
  expect(code).toBe(1);
});

test("hands the composed cluster a configuration that is valid", async () => {
  const loaded = await loadConfig({ path: join(repository, "infra/compose/sluice.yaml"), env: {} });
  expect(loaded.ok ? "" : formatConfigErrors(loaded.errors)).toBe("");
});

/** `name value` or `name = value` lines, without comments. */
function settings(file: string): Map<string, string> {
  const lines = read(file)
    .split("\n")
    .filter((line) => /^[a-z]/.test(line));
  return new Map(lines.map((line) => /^([\w-]+)(?: = | )(.+)$/.exec(line)?.slice(1) as [string, string]));
}

test("never lets Redis evict a key or forget a write older than a second", () => {
  const redis = Object.fromEntries(settings("infra/compose/redis.conf"));
  expect(redis).toMatchObject({
    "maxmemory-policy": "noeviction",
    appendonly: "yes",
    appendfsync: "everysec",
  });
});

test("never lets PostgreSQL answer before a commit is on disk, or log a parameter", () => {
  const postgres = Object.fromEntries(settings("infra/compose/postgresql.conf"));
  expect(postgres).toMatchObject({ fsync: "on", synchronous_commit: "on", full_page_writes: "on" });
  expect(postgres).toMatchObject({ log_parameter_max_length: "0", log_min_error_statement: "panic" });
});

test.each(["infra/compose/redis.conf", "infra/compose/postgresql.conf"])(
  "gives a reason above each block of %s",
  (file) => {
    const blocks = read(file).split("\n\n");
    expect(blocks.filter((block) => !block.trim().startsWith("#"))).toEqual([]);
  },
);
