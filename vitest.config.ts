import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    // Two cores on the CI machine, and the end-to-end tests start processes of their own.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // A second, which is the default, is too little for what is polled by starting processes on a busy machine.
    expect: { poll: { timeout: 20_000 } },
    unstubEnvs: true,
  },
});
