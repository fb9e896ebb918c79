import { defineConfig } from "vitest/config";
import { ringWorker } from "./scripts/ring-worker.mjs";

export default defineConfig({
  define: await ringWorker(),
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Taps, namespaces and descriptors are process-wide: one test file, one process.
    pool: "forks",
  },
});
