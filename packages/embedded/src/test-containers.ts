/**
 * Whether this test run wants servers in containers. The one look into the environment outside of an app's main.ts:
 * a test that starts a server has no main.ts, and every test of every package must follow the same switch.
 */
export function containersAskedFor(): boolean {
  return process.env["SLUICE_TEST_CONTAINERS"] === "1";
}
