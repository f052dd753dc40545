/**
 * For tests of training: two small models, a recipe, and data folders. Sizes are chosen so that a test costs its compile
 * time and little else.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { tinyConfig, tinyMobile } from '../../test/tiny-config.ts'
import { renderRoom } from '../data/index.ts'
import type { DepthImage, RgbImage } from '../image/index.ts'
import { encodeDepthPng, encodePngRgb } from '../node/index.ts'
import { readWeights } from '../runtime/weights.ts'
import { checkpointPath } from './checkpoint.ts'
import type { Recipe } from './recipe.ts'
import type { TrainEvent } from './run-log.ts'
import { type TrainOptions, train } from './trainer.ts'

/** The smallest graph that has every kind of part: for tests of the machinery. Images in multiples of 16. */
export const MICRO_MODEL = tinyConfig({
  patch: 16,
  posGrid: [2, 4],
  layerScale: false,
  neckChannels: [8, 8, 8, 8],
  bins: 5,
})

/** dar-nano at a quarter of the encoder's width, which can learn: for tests of training itself. Multiples of 32. */
export const TINY_MODEL = tinyMobile({ width: 32, steps: 3, bins: 8, gruWidth: 16, expand: 2 })

/** The micro model on batches of two from the folder `rooms`, six updates, no validation. */
export function tinyRecipe(change: Partial<Recipe> = {}): Recipe {
  return {
    name: 'tiny',
    summary: 'a test',
    expected: 'nothing',
    model: MICRO_MODEL,
    seed: 5,
    data: [{ kind: 'dataset', name: 'rooms', path: 'rooms', weight: 1 }],
    stages: [{ height: 32, width: 64, batch: 2, updates: 6 }],
    schedule: { rate: 1e-3, initialRate: 1e-4, finalRate: 1e-5, warmup: 2 },
    optimiser: { clip: 5, ema: 0.9, multipliers: { 'encoder.': 0.5 } },
    validateEvery: 1000,
    checkpointMinutes: 1000,
    ...change,
  }
}

interface SessionOptions extends TrainOptions {
  /** Interrupts after so many updates of this session. */
  readonly stopAfter?: number
}

/** One session of a run: its updates' figures, and every value that its checkpoint holds. */
export async function sessionOf(recipe: Recipe, { stopAfter, ...options }: SessionOptions) {
  const events: TrainEvent[] = []
  const stop = new AbortController()
  const onEvent = (event: TrainEvent) => {
    events.push(event)
    if (events.filter((one) => one.event === 'step').length === stopAfter) stop.abort()
  }
  const result = await train(recipe, { threads: 1, signal: stop.signal, onEvent, ...options })
  const updates = events.flatMap((event) => (event.event === 'step' ? [event] : []))
  const { values } = await readWeights(checkpointPath(options.out))
  const figures = updates.map(({ step, loss, terms, norm, rate }) => ({ step, loss, terms, norm, rate }))
  return { result, events, figures, losses: updates.map(({ loss }) => loss), values }
}

/** Leaves pictures and labels as they are. */
export const NO_AUGMENTATION = {
  whole: 1,
  stretch: 1,
  rotation: 0,
  mirror: 0,
  colour: 0,
  grey: 0,
  blur: 0,
  noise: 0,
} as const

/** Writes one frame of a folder data set: an 8-bit RGB PNG and a 16-bit depth PNG in millimetres. */
export async function writeFrame(folder: string, name: string, image: RgbImage, depth: DepthImage): Promise<void> {
  for (const part of ['rgb', 'depth']) await mkdir(join(folder, part), { recursive: true })
  await writeFile(join(folder, 'rgb', `${name}.png`), await encodePngRgb(image))
  await writeFile(join(folder, 'depth', `${name}.png`), await encodeDepthPng(depth))
}

interface RoomsFolder {
  readonly count: number
  readonly width: number
  readonly height: number
  readonly seed?: number
}

/** Writes `count` procedural rooms, `room0` …, as a folder data set with intrinsics. */
export async function writeRooms(folder: string, { count, width, height, seed = 100 }: RoomsFolder): Promise<void> {
  const cameras: Record<string, object> = {}
  for (let i = 0; i < count; i++) {
    const { image, depth, intrinsics } = renderRoom({ seed: seed + i, width, height })
    await writeFrame(folder, `room${i}`, image, depth)
    cameras[`room${i}`] = { ...intrinsics, width, height }
  }
  await writeFile(join(folder, 'intrinsics.json'), JSON.stringify(cameras))
}

/** A picture of one grey and one distance. */
export function plainFrame(width: number, height: number, grey: number, metres: number): [RgbImage, DepthImage] {
  return [
    { width, height, data: new Uint8Array(3 * width * height).fill(grey) },
    { width, height, data: new Float32Array(width * height).fill(metres) },
  ]
}
