import { configureGlobal } from "fast-check";

/**
 * Property tests draw new cases with each run, except in CI: what lands is judged by the same cases each time.
 * `SLUICE_TEST_SEED` chooses others.
 */
const seed = process.env["SLUICE_TEST_SEED"] ?? (process.env["CI"] === undefined ? undefined : "20261120");
if (seed !== undefined) configureGlobal({ seed: Number(seed) });
