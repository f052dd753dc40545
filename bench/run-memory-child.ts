/** Trains a few updates of a recipe, as `dar train` does, and prints the peak of this process in bytes. See run-memory.ts. */
import { peakResidentBytes } from '../src/support/processes.ts'
import { loadRecipe, type Recipe, train } from '../src/train/index.ts'

export interface RunRequest {
  readonly recipe: string
  readonly data: string
  /** Folder for the run. */
  readonly out: string
  readonly change: Pick<Recipe, 'data' | 'stages' | 'validateEvery'>
  readonly threads: number
}

const { recipe, change, ...options } = JSON.parse(process.argv[2]) as RunRequest
await train({ ...(await loadRecipe(recipe)), ...change }, options)
process.stdout.write(JSON.stringify(peakResidentBytes()))
