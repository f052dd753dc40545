import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { flatConfig, PRESETS } from '../model/index.ts'
import { encodeDepthPng, encodePngRgb } from '../node/index.ts'
import { runMemory, totalOf } from './memory.ts'
import { loadRecipe } from './recipe-file.ts'
import { rateAt } from './schedule.ts'
import { applySettings } from './settings.ts'
import { totalUpdates } from './stages.ts'
import { plainFrame } from './testing.ts'
import { train } from './trainer.ts'

const MODELS = ['small', 'base', 'large', 'lite']
const SETS = [
  { set: 'nyu', frames: 24_231, dMax: 10 },
  { set: 'kitti', frames: 23_158, dMax: 80 },
]
const ALL = SETS.flatMap((one) => MODELS.map((model) => ({ ...one, model })))

/** A few layers of a few channels, in the paper's form: every width of the ViT's, and the smallest image that it takes. */
const TINY = [
  ...[
    'encoderWidth=16',
    'encoderDepth=4',
    'encoderHeads=2',
    'posGrid=[2,2]',
    'neckFeatures=16',
    'neckChannels=[8,8,8,8]',
  ],
  ...['memoryWidth=16', 'layers=1', 'width=16', 'heads=2', 'gruWidth=8', 'steps=2', 'taps=null'],
].map((field) => `model.${field}`)
const SHORT = ['stages.0.updates=1', 'stages.0.batch=1', 'stages.0.width=28', 'stages.0.height=28', 'schedule.warmup=0']

async function put(path: string, data: Uint8Array | string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, data)
}

/** Three frames of each layout, with the list that the recipes name. */
async function fakeData(): Promise<string> {
  const root = await temporaryFolder()
  const nyu: string[] = []
  const kitti: string[] = []
  const drive = '2011_09_26_drive_0001_sync'
  for (let i = 0; i < 3; i++) {
    const [rgb, depth] = plainFrame(64, 48, 90, 2)
    const [photo, map] = [`/kitchen/rgb_0000${i}.jpg`, `/kitchen/sync_depth_0000${i}.png`]
    await put(join(root, 'nyu/sync', photo), await encodePngRgb(rgb))
    await put(join(root, 'nyu/sync', map), await encodeDepthPng(depth))
    nyu.push(`${photo} ${map} 518.8579`)
    const [wide, scan] = plainFrame(1242, 375, 90, 20)
    const street = `2011_09_26/${drive}/image_02/data/000000000${i}.png`
    const truth = `${drive}/proj_depth/groundtruth/image_02/000000000${i}.png`
    await put(join(root, 'kitti', street), await encodePngRgb(wide))
    await put(
      join(root, 'kitti', truth),
      await encodeDepthPng({ ...scan, data: scan.data.map((d) => (d * 256) / 1000) }),
    )
    kitti.push(`${street} ${truth} 721.5377`)
  }
  await put(join(root, 'nyu/nyudepthv2_train_files_with_gt.txt'), nyu.join('\n'))
  await put(join(root, 'kitti/eigen_train_files_with_gt.txt'), kitti.join('\n'))
  return root
}

describe.each(ALL)("the paper's recipe for $model on $set", ({ set, model, frames, dMax }) => {
  const name = `${set}-dar-${model}`

  it('is section 9', async () => {
    const recipe = await loadRecipe(name)
    expect(recipe.name).toBe(name)
    expect(flatConfig(recipe.model)).toEqual({ ...flatConfig(PRESETS[`dar-${model}`]), dMin: 0.1, dMax })
    const total = totalUpdates(recipe)
    expect((total * recipe.stages[0].batch) / frames).toBeCloseTo(25, 3)
    expect(recipe.stages).toMatchObject([{ batch: 16 }])
    expect(recipe.optimiser).toMatchObject({ beta1: 0.9, beta2: 0.999, weightDecay: 0.1 })
    const rates = [0, recipe.schedule.warmup, total - 1].map((step) => rateAt(step, total, recipe.schedule))
    ;[3e-5, 5e-4, 3e-5].forEach((rate, i) => {
      expect(rates[i]).toBeCloseTo(rate, 12)
    })
    expect(recipe.augmentation).toMatchObject({ mirror: 0.5, colour: 1, cutDepth: 0.25, rotation: 0 })
    expect(recipe.data).toMatchObject([{ options: set === 'kitti' ? { crop: 'kb' } : { layout: 'nyu-folder' } }])
  })
})

// For the smallest model alone: counting takes the others longer than a test may.
it.each(SETS)('says in its header what --plan says: $set, lite', async ({ set, frames }) => {
  const header = await readFile(new URL(`../../recipes/${set}-dar-lite.ts`, import.meta.url), 'utf8')
  const held = Math.ceil(frames / 100)
  const items = runMemory(await loadRecipe(`${set}-dar-lite`), { frames: [frames - held], held })
  const said = Number(/([\d,]+) GB of memory/.exec(header)?.[1].replace(',', ''))
  expect(said / (totalOf(items) / 1e9)).toBeCloseTo(1, 1) // within 5 %
})

// The four of a set differ in the preset only, which the smallest sizes replace.
it.each(SETS)(
  'takes an update of $set in its published layout',
  async ({ set }) => {
    const data = await fakeData()
    const settings = [
      ...SHORT,
      ...TINY,
      'augmentation.cutDepth=1',
      'data.0.split={"kind":"tail","fraction":0.34,"gap":0}',
    ]
    const recipe = applySettings(await loadRecipe(`${set}-dar-lite`), [...settings, 'model.upsample=bilinear'])
    const events: string[] = []
    const result = await train(recipe, {
      data,
      out: join(data, 'out'),
      threads: 1,
      settings,
      onEvent: (event) => events.push(event.event),
    })
    expect(result).toMatchObject({ step: 1, total: 1, reason: 'done' })
    expect(events.filter((event) => event !== 'norms')).toEqual(['start', 'step', 'validation', 'checkpoint', 'end'])
  },
  120_000,
)
