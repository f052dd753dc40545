import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { configDefaults, defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const { name, exports } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'))
/** The package by its own name, from its sources: dar-depth/graph → src/graph/index.ts. */
const alias = Object.entries<{ readonly default?: string }>(exports).flatMap(([path, { default: file }]) =>
  file === undefined
    ? []
    : [
        {
          find: new RegExp(`^${name}${path.slice(1)}$`),
          replacement: new URL(file.replace('./dist/', './').replace(/\.js$/, '.ts'), import.meta.url).pathname,
        },
      ],
)

/**
 * Files of `test/` first: they run whole programs, and some are short to read and long to run. Vitest begins with the longest files, so
 * these would come last, and a core would idle until the last of them is done.
 */
class WholeProgramsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isWhole = ({ moduleId }: TestSpecification) =>
      moduleId.startsWith(fileURLToPath(new URL('test/', import.meta.url)))
    return [...sorted.filter(isWhole), ...sorted.filter((file) => !isWhole(file))]
  }
}

/**
 * Rooms whose tests leave nothing behind in their process: no variable of the environment, no changed folder, no count of native resources.
 * Their files share a process, so what they import is loaded once. A file of another room has a process of its own.
 */
const SHARED = ['data', 'eval', 'formats', 'graph', 'image', 'nn', 'safetensors', 'support'].map(
  (room) => `src/${room}/**/*.test.ts`,
)

export default defineConfig({
  resolve: { alias },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'alone',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...SHARED],
        },
      },
      { extends: true, test: { name: 'shared', include: SHARED, isolate: false } },
    ],
    setupFiles: 'test/remove-folders.ts',
    globalSetup: 'scripts/compile.mjs',
    env: { DAR_DEPTH_COMPILED: fileURLToPath(new URL('.compiled', import.meta.url)) },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // The engine already uses every core inside one test: few files at a time keep memory and noise low.
    maxWorkers: 2,
    pool: 'forks',
    sequence: { sequencer: WholeProgramsFirst },
  },
})
