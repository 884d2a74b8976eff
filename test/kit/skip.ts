import type { TestContext } from "vitest";

/**
 * Skips the running test unless `condition` holds; the reason stands in the report of `npm test`.
 *
 *     test("…", (context) => {
 *       skipUnless(context, existsSync(file), "needs the shared data set");
 */
export function skipUnless(context: TestContext, condition: unknown, reason: string): asserts condition {
  if (!condition) context.skip(reason);
}
