import { testContext } from "../../../apps/cli/src/fake-api.fixture.ts";
import { runProgram } from "../../../apps/cli/src/program.ts";
import { adminKey, type TestCluster } from "./cluster.ts";

/** Runs `sluice … --json` against a cluster with its admin key, and answers what it says. Throws when it fails. */
export async function runCli(
  { url }: Pick<TestCluster, "url">,
  args: readonly string[],
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
): Promise<any> {
  const context = testContext({ SLUICE_URL: url, SLUICE_API_KEY: adminKey });
  try {
    const code = await runProgram(context, [...args, "--json"]);
    const { out, err } = context.written();
    if (code !== 0) throw new Error(`sluice ${args.join(" ")} ended with ${code}: ${err}`);
    return JSON.parse(out);
  } finally {
    context.remove();
  }
}
