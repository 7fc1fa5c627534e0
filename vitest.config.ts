import { defineConfig } from "vitest/config";

/** Four kinds of tests, told apart by file name; `docs/development.md` says what belongs in which. */
const INTEGRATION = "**/*.integration.test.ts";
const E2E = "**/*.e2e.test.ts";
const SIM = "**/*.sim.test.ts";
const NEVER = ["node_modules/**", "dist/**", ".vitrine/**"];

export default defineConfig({
  test: {
    globals: false,
    // Two cores are what a fresh machine has; more workers than that only make time-outs likelier.
    maxWorkers: 2,
    // A test that leaves a handle open is a failure to find, not one to wait for.
    teardownTimeout: 5_000,
    passWithNoTests: true,
    restoreMocks: true,
    unstubEnvs: true,
    projects: [
      {
        extends: true,
        test: { name: "unit", include: ["**/*.test.ts"], exclude: [...NEVER, INTEGRATION, E2E, SIM], testTimeout: 20_000, pool: "threads" },
      },
      {
        extends: true,
        // Native modules and real processes: each file gets a process of its own.
        test: { name: "integration", include: [INTEGRATION], exclude: NEVER, testTimeout: 30_000, hookTimeout: 30_000, pool: "forks" },
      },
      {
        extends: true,
        // Two files at a time: browser tests wait more than they compute, and all of them pass on a machine ten times as busy.
        test: { name: "e2e", include: [E2E], exclude: NEVER, testTimeout: 60_000, hookTimeout: 60_000, pool: "forks" },
      },
      {
        extends: true,
        test: { name: "sim", include: [SIM], exclude: NEVER, testTimeout: 120_000, hookTimeout: 30_000, pool: "forks" },
      },
    ],
  },
});
