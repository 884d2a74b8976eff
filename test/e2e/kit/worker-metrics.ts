import type { TestCluster } from "./cluster.ts";

/** A counter of the workers, summed over them and over its labels. */
export async function workersTotal({ health }: Pick<TestCluster, "health">, name: string): Promise<number> {
  const urls = Object.entries(health).filter(([role]) => role.startsWith("worker"));
  const texts = await Promise.all(urls.map(async ([, url]) => (await fetch(`${url}/metrics`)).text()));
  return texts
    .flatMap((text) => text.split("\n"))
    .filter((line) => line.startsWith(name))
    .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}
