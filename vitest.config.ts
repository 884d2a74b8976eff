import { configDefaults, defineConfig } from "vitest/config";

const never = [...configDefaults.exclude, "**/.sluice/**"];
const minute = 60_000;
const suitesOfTheirOwn = ["test/architecture/**", "test/e2e/**", "test/conformance/sdk/**"];

/**
 * Five suites. A file's name or folder says which one it is in:
 * `*.server.test.ts` needs a real Redis or PostgreSQL, `test/architecture` checks the tree itself,
 * `test/e2e` starts whole clusters, `test/conformance/sdk` does so for the official clients, everything else is a unit
 * test.
 * The suites run one after the other (groupOrder): the servers of one would starve the others.
 */
export default defineConfig({
  test: {
    reporters: ["default"],
    // Two workers: CI machines and shared laptops have few cores, and Redis and PostgreSQL need theirs.
    maxWorkers: 2,
    // Deliberately far above what any test needs, so that a slow machine never turns a test red.
    teardownTimeout: minute,
    projects: [
      {
        test: {
          name: "unit",
          setupFiles: ["test/kit/property-seed.ts"],
          include: [
            "packages/**/*.test.ts",
            "apps/**/*.test.ts",
            "scripts/**/*.test.ts",
            "test/**/*.test.ts",
          ],
          exclude: [...never, "**/*.server.test.ts", ...suitesOfTheirOwn],
          testTimeout: minute,
          hookTimeout: minute,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: "architecture",
          include: ["test/architecture/**/*.test.ts"],
          exclude: never,
          testTimeout: 5 * minute,
          hookTimeout: 5 * minute,
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: "servers",
          include: ["packages/**/*.server.test.ts", "apps/**/*.server.test.ts", "test/**/*.server.test.ts"],
          exclude: [...never, ...suitesOfTheirOwn],
          globalSetup: ["test/kit/start-servers.ts"],
          setupFiles: ["test/kit/property-seed.ts", "test/kit/empty-redis.ts"],
          // One file at a time: each starts on an emptied Redis, and may FLUSHALL as a fault.
          fileParallelism: false,
          testTimeout: 3 * minute,
          hookTimeout: 3 * minute,
          maxWorkers: 1,
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          exclude: never,
          fileParallelism: false,
          testTimeout: 10 * minute,
          hookTimeout: 10 * minute,
          maxWorkers: 1,
          sequence: { groupOrder: 4 },
        },
      },
      {
        test: {
          name: "conformance",
          include: ["test/conformance/sdk/**/*.test.ts"],
          exclude: never,
          fileParallelism: false,
          testTimeout: 10 * minute,
          hookTimeout: 10 * minute,
          maxWorkers: 1,
          sequence: { groupOrder: 5 },
        },
      },
    ],
  },
});
