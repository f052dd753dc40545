/**
 * The files that a run leaves in its folder: the checkpoint and its model, earlier checkpoints when the recipe keeps some, and
 * the best model when it asks for one. Each is whole or as it was before.
 */
import { existsSync } from 'node:fs'
import { DarError, messageOf } from '../support/errors.ts'
import {
  type Best,
  checkpointPath,
  modelPath,
  type Progressed,
  readBest,
  readCheckpoint,
  writeBest,
  writeCheckpoint,
} from './checkpoint.ts'
import { dropEarlier, earlierCheckpoints, figureOf, isBetter, keepEarlier } from './keep.ts'
import type { TrainingState } from './optimiser.ts'
import type { Layout } from './parameters.ts'
import type { Recipe } from './recipe.ts'
import type { RunIdentity } from './run-identity.ts'
import { shapesOf } from './stages.ts'
import type { SetFigures } from './validate.ts'

export interface RunFilesOptions {
  readonly folder: string
  readonly recipe: Recipe
  readonly layout: Layout
  readonly state: TrainingState
  readonly identity: RunIdentity
  /** Names of the validation sets that choose the best model. */
  readonly choosing: readonly string[]
}

/**
 * The checkpoint to go on from. Where it is damaged, the error says how to go on from an earlier one, or from the model where there is none.
 * Throws a DarError as `readCheckpoint`.
 */
export async function checkpointToResume(folder: string, layout: Layout, { name, model }: Recipe) {
  try {
    return await readCheckpoint(folder, layout, { recipe: name, config: model })
  } catch (error) {
    const earlier = existsSync(folder) ? (await earlierCheckpoints(folder))[0] : undefined
    if (!(error instanceof DarError) || (!earlier && error.kind !== 'model')) throw error
    const remedy = earlier
      ? `${earlier.path} is of update ${earlier.step}: copied over ${checkpointPath(folder)} it is gone on from`
      : `No earlier checkpoint was kept (keepCheckpoints): start in another --out folder, with --weights ${modelPath(folder)}`
    throw new DarError(`${messageOf(error)}. ${remedy}`, { kind: error.kind })
  }
}

export class RunFiles {
  /** Of the best model in the folder. */
  private best: Best | null = null
  /** Updates done at the checkpoint on disk. */
  private saved: number | null = null
  private savedAt = performance.now()

  constructor(private readonly options: RunFilesOptions) {}

  /** When the run goes on from the checkpoint of update `step`. */
  async goOnFrom(step: number): Promise<void> {
    this.saved = step
    const { folder, recipe } = this.options
    if (recipe.best) this.best = await readBest(folder, recipe.name, recipe.best)
  }

  /** Updates done at the checkpoint on disk; null without one. */
  get savedStep(): number | null {
    return this.saved
  }

  /** Updates done when the best model was chosen; 0 without one. */
  get bestStep(): number {
    return this.best?.step ?? 0
  }

  /** Whether the recipe wants a checkpoint by now. */
  get isDue(): boolean {
    return performance.now() - this.savedAt > 60_000 * this.options.recipe.checkpointMinutes
  }

  /** Says that a checkpoint was asked for and is not needed, so that the next is due a whole interval later. */
  postpone(): void {
    this.savedAt = performance.now()
  }

  /** Writes the checkpoint and its model. Throws a DarError when the folder cannot be written; the old checkpoint is then whole. */
  async write(progressed: Progressed): Promise<void> {
    const { folder, layout, state, recipe, identity } = this.options
    const { keepCheckpoints = 1 } = recipe
    this.savedAt = performance.now()
    const path = checkpointPath(folder)
    if (keepCheckpoints > 1 && this.saved !== null && this.saved !== progressed.step && existsSync(path))
      await keepEarlier(folder, path, this.saved)
    await writeCheckpoint(folder, layout, state, progressed, { ...this.belonging(), run: identity })
    this.saved = progressed.step
    if (keepCheckpoints > 1) await dropEarlier(folder, keepCheckpoints - 1)
  }

  /** Writes model-best.safetensors when these figures are the best so far; returns the figure then, else null. */
  async choose(progressed: Progressed, sets: readonly SetFigures[]): Promise<number | null> {
    const { folder, layout, state, recipe, choosing } = this.options
    if (!recipe.best) return null
    const figure = figureOf(sets, choosing, recipe.best)
    if (!isBetter(figure, this.best?.figure ?? null, recipe.best)) return null
    const by = { metric: recipe.best, figure }
    await writeBest(folder, layout, await state.ema.read(), progressed, { ...this.belonging(), best: by })
    this.best = { figure, step: progressed.step }
    return figure
  }

  private belonging() {
    const { model, name, stages } = this.options.recipe
    const sizes = shapesOf(stages[stages.length - 1]).map(({ width, height }) => `${width}x${height}`)
    return { config: model, recipe: name, predictSizes: sizes.join(',') }
  }
}
