import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ChildSpec, ClusterOptions } from "./cluster-types.ts";

/** A child for tests: serves its environment over HTTP, and writes its name to a journal when it is told to stop. */
const toyScript = `
import { appendFileSync } from "node:fs";
import { createServer } from "node:http";
const [name, journal, stubborn] = process.argv.slice(2);
const { DATABASE_URL, REDIS_URL, TOY_UPSTREAM, TOY_PORT = "0" } = process.env;
process.on("SIGTERM", () => {
  appendFileSync(journal, name + "\\n");
  if (stubborn === undefined) process.exit(0);
});
const server = createServer((request, response) => response.end(JSON.stringify({ DATABASE_URL, REDIS_URL, TOY_UPSTREAM })));
server.listen(Number(TOY_PORT), "127.0.0.1", () => {
  const { port } = server.address();
  process.send({ type: "ready", port, url: "http://127.0.0.1:" + port });
});
`;

/** A folder for one test, with cluster options on it whose children are toys. */
export type ToyCluster = {
  readonly folder: string;
  /** Simulator, then two workers, then api. */
  readonly options: ClusterOptions;
  toy(name: string, more?: Partial<ChildSpec> & { stubborn?: boolean }): ChildSpec;
  /** Names of the children in the order in which they were told to stop. */
  stopped(): string[];
  remove(): void;
};

/** Makes a toy cluster's folder and options. */
export function toyCluster(): ToyCluster {
  const folder = mkdtempSync(join(tmpdir(), "sluice-test-"));
  const script = join(folder, "toy.mjs");
  const journal = join(folder, "journal");
  writeFileSync(script, toyScript);
  writeFileSync(journal, "");
  const toy: ToyCluster["toy"] = (name, { stubborn = false, ...more } = {}) => ({
    name,
    args: [script, name, journal, ...(stubborn ? ["stubborn"] : [])],
    portVariable: "TOY_PORT",
    ...more,
  });
  return {
    folder,
    toy,
    options: {
      dataDir: join(folder, "data"),
      env: {},
      migrate: async () => undefined,
      fastPostgres: true,
      stages: [
        [toy("simulator")],
        [toy("worker", { count: 2, env: ({ urls }) => ({ TOY_UPSTREAM: urls["simulator"] }) })],
        [toy("api")],
      ],
    },
    stopped: () => readFileSync(journal, "utf8").trim().split("\n"),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
