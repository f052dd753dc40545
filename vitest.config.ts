import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000, // loading a model starts a thread, which compiles its TypeScript anew
    // The engine already uses every core inside one test: few files at a time keep memory and noise low.
    maxWorkers: 2,
    pool: 'forks',
  },
})
