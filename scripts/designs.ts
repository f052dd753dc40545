/**
 * Compares designs of a model at equal cost, so that one is chosen before it is trained for days.
 *
 *     npx tsx scripts/designs.ts memory  --encoder FILE [--out DIR] DESIGN …
 *     npx tsx scripts/designs.ts compare --encoder FILE --data DIR (--minutes M | --as DESIGN:N) [--seed N] [--out DIR] DESIGN …
 *     npx tsx scripts/designs.ts time    [--size 256x192] [--peers DIR] DESIGN[@WIDTHxHEIGHT] …
 *     npx tsx scripts/designs.ts table   docs/log/designs.jsonl
 *
 * `memory`: overfits eight rooms in 150 updates of all eight, without augmentation, and judges the model on the same
 * rooms. A design that fails here will not learn rooms, and the figures of its steps show which step fails. Three to
 * four minutes on two cores.
 * `compare`: trains every design from the same ImageNet weights on the same pictures for M minutes of processor time.
 * `--as halved:509` in place of --minutes: for what so many updates of that design cost now, so that rows of a later day, by a faster engine or
 * on a slower machine, can stand in one table.
 * Training data are half rooms and half DIR/furnished (rendered; its last tenth is held out). The other sets of DIR
 * come from other places. Of sets with a hold-out (real-splits.ts) only the training side is read, so that the choice
 * does not use the frames that are reported later.
 * `time`: predicts a 640×480 image with every design, preset or model file in turn, from pixels to the network's maps.
 * Designs and presets that do not ship have random weights.
 * `table`: what the others wrote, as tables of docs/log/designs.md.
 * A name may be followed by weights of the loss: `halved+edges=0.6+bins=0.3`.
 *
 * A line of JSON per design goes to DIR/designs.jsonl, a table to standard output.
 */
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { folderDataset, makeRooms, type NamedDataset, SPLITS, splitNames } from '../src/data/index.ts'
import { totalFlops } from '../src/graph/index.ts'
import { writeRandomModel } from '../src/inspect/index.ts'
import { type DarConfig, DEPTH_ANYTHING, PRESETS } from '../src/model/index.ts'
import { loadModel, shippedModels } from '../src/node/index.ts'
import { parseSize, predictionOutputs } from '../src/predict/index.ts'
import { median } from '../src/support/median.ts'
import { modelPath, type Recipe } from '../src/train/index.ts'
import { loadFastDepth } from './card/fastdepth.ts'
import {
  type CompareLine,
  compareTable,
  type Line,
  type MemoryLine,
  memoryTable,
  parseLines,
  shapeTable,
  type TimeLine,
  timeTable,
} from './designs/report.ts'
import { DESIGN_NAMES, type Design, designNamed } from './designs/table.ts'
import { few, judge, runTrial, say } from './designs/trial.ts'

const SIZE = { width: 256, height: 192 }
const BATCH = 8
/** Seeds of scenes that no training run and no hold-out uses. */
const ROOMS_SEED = 70_000
const HELD_OUT_SEED = 71_000
/** Number of frames of each set that are judged, spread over it. */
const JUDGED = 40

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    encoder: { type: 'string' },
    data: { type: 'string' },
    out: { type: 'string', default: 'runs/designs' },
    minutes: { type: 'string', default: '25' },
    as: { type: 'string' },
    seed: { type: 'string', default: '5' },
    size: { type: 'string', default: '256x192' },
    peers: { type: 'string' },
    threads: { type: 'string' },
    rooms: { type: 'string', default: '1200' },
  },
})
const [command, ...names] = positionals
const out = resolve(flags.out)
const threads = flags.threads === undefined ? undefined : Number(flags.threads)

async function roomsIn(folder: string, count: number, seed: number): Promise<void> {
  let last = 0
  await makeRooms(folder, {
    count,
    seed,
    onProgress: (done) => {
      if (done - last < 200) return
      last = done
      say(`${folder}: ${done} of ${count}`)
    },
  })
}

const schedule = (updates: number) => ({
  rate: 5e-4,
  initialRate: 3e-5,
  finalRate: 1e-5,
  warmup: Math.min(40, Math.round(updates / 8)),
})
const common = { validateEvery: 100_000, checkpointMinutes: 1000, expected: 'docs/log', summary: 'a design on trial' }
const optimiser = { clip: 5, multipliers: { 'encoder.': 0.3 } }

/** Of a design with weights of the loss, in the letters that a recipe's name may have. */
const recipeName = (design: string) => design.replaceAll(/[+=]/g, '-')

function memoryRecipe(name: string, { model, loss }: Design): Recipe {
  const augmentation = {
    minScale: 1,
    whole: 1,
    stretch: 1,
    rotation: 0,
    mirror: 0,
    colour: 0,
    grey: 0,
    blur: 0,
    noise: 0,
  }
  return {
    ...common,
    name: recipeName(name),
    model,
    seed: Number(flags.seed),
    data: [{ kind: 'dataset', name: 'memory', path: 'memory', weight: 1, options: { layout: 'folder' } }],
    stages: [{ ...SIZE, batch: BATCH, updates: 150, loss: { varianceFocus: 0.5, ...loss }, augmentation }],
    schedule: { ...schedule(150), warmup: 20 },
    optimiser: { ...optimiser, weightDecay: 0, ema: 0.9 },
  }
}

function compareRecipe(name: string, { model, loss }: Design, data: string, updates: number): Recipe {
  return {
    ...common,
    name: recipeName(name),
    model,
    seed: Number(flags.seed),
    data: [
      { kind: 'dataset', name: 'rooms', path: 'rooms', weight: 1, options: { layout: 'folder' } },
      {
        kind: 'dataset',
        options: { layout: 'folder' },
        name: 'furnished',
        path: relative(out, join(data, 'furnished')),
        weight: 1,
        split: SPLITS.furnished,
      },
    ],
    stages: [{ ...SIZE, batch: BATCH, updates, loss: { varianceFocus: 0.5, ...loss } }],
    schedule: schedule(updates),
    optimiser: { ...optimiser, weightDecay: 0.05, ema: 0.98 },
  }
}

const trialOf = (recipe: Recipe, folder: string, stopAfter?: number) =>
  runTrial(recipe, { data: out, out: folder, encoder: flags.encoder, threads }, { stopAfter })

/** The hold-outs of the sets that `compare` trains on, and the sets from other places. */
async function judgedSets(data: string): Promise<NamedDataset[]> {
  const rooms = join(out, 'rooms-held-out')
  await roomsIn(rooms, JUDGED, HELD_OUT_SEED)
  const furnished = await folderDataset(join(data, 'furnished'))
  const sets = [
    await folderDataset(rooms, { name: 'rooms' }),
    few(furnished, JUDGED, splitNames(furnished.names, SPLITS.furnished).test),
  ]
  for (const name of readdirSync(data).sort()) {
    if (name === 'furnished' || !existsSync(join(data, name, 'depth'))) continue
    const set = await folderDataset(join(data, name))
    sets.push(few(set, JUDGED, name in SPLITS ? splitNames(set.names, SPLITS[name]).train : set.names))
  }
  return sets
}

const flopsOf = (model: DarConfig) => totalFlops(Object.values(predictionOutputs(model, SIZE).outputs)) / 1e9

const print = (lines: readonly string[]) => console.log(lines.join('\n'))
/** Lines of a table before its rows. */
const HEAD = 2

function record(line: Line): void {
  mkdirSync(out, { recursive: true })
  appendFileSync(join(out, 'designs.jsonl'), `${JSON.stringify(line)}\n`)
}

async function memory(): Promise<void> {
  await roomsIn(join(out, 'memory'), 8, ROOMS_SEED + 500)
  const set = await folderDataset(join(out, 'memory'))
  print(memoryTable([]))
  for (const name of names) {
    const design = designNamed(name)
    const folder = join(out, `memory-${name}`)
    const { seconds, loss } = await trialOf(memoryRecipe(name, design), folder)
    const figures = [...(await judge(modelPath(folder), [set], { threads })).values()][0]
    const steps = figures.steps.map(({ silog }) => silog)
    const { d1, boundary_f1 } = figures.metrics
    const flops = flopsOf(design.model)
    const line: MemoryLine = { command: 'memory', name, loss, steps, d1, boundary_f1, seconds, flops }
    record(line)
    print(memoryTable([line]).slice(HEAD))
  }
}

/** Processor seconds of a design's cheapest update. */
async function costOfUpdate(name: string, data: string): Promise<number> {
  const recipe = compareRecipe(name, designNamed(name), data, 1000)
  return (await trialOf(recipe, join(out, 'probe'), 14)).perUpdate
}

/** Processor seconds of `halved:509`, so many updates of that design, as they cost now. */
async function costOfRun(text: string, data: string): Promise<number> {
  const [name, updates] = text.split(':')
  if (!(Number(updates) > 0)) throw new Error(`--as ${text}; write a design and its updates, halved:509`)
  return Number(updates) * (await costOfUpdate(name, data))
}

async function comparison(): Promise<void> {
  if (!flags.data) throw new Error('--data is missing; name the folder that holds furnished/')
  const data = resolve(flags.data)
  await roomsIn(join(out, 'rooms'), Number(flags.rooms), ROOMS_SEED)
  const sets = await judgedSets(data)
  for (const name of names) {
    const design = designNamed(name)
    const cost = await costOfUpdate(name, data)
    const budget = flags.as ? await costOfRun(flags.as, data) : 60 * Number(flags.minutes)
    const updates = Math.round(budget / cost)
    say(`${name}: ${cost.toFixed(2)} s of processor an update, so ${updates} updates`)
    const folder = join(out, `compare-${name}-${flags.seed}`)
    const { seconds, perUpdate } = await trialOf(compareRecipe(name, design, data, updates), folder)
    const figures = await judge(modelPath(folder), sets, { threads })
    const steps = figures.get(sets[0].name)!.steps.map(({ abs_rel }) => abs_rel)
    const judged = Object.fromEntries([...figures].map(([set, { metrics }]) => [set, metrics]))
    const line: CompareLine = {
      command: 'compare',
      name,
      seed: flags.seed,
      updates,
      images: updates * BATCH,
      seconds,
      perUpdate,
      flops: flopsOf(design.model),
      steps,
      figures: judged,
    }
    record(line)
    print(compareTable([line]))
  }
}

/** `NAME@WIDTHxHEIGHT`, or the size of --size. NAME is a design, a preset with random weights, or a model file. */
async function timedModel(text: string) {
  const [name, at = flags.size] = text.split('@')
  const size = parseSize(at, text)
  const known = DESIGN_NAMES.includes(name) ? designNamed(name).model : (PRESETS[name] ?? DEPTH_ANYTHING[name])
  const shipped = name.endsWith('.safetensors') || (known === PRESETS[name] && shippedModels().includes(name))
  const path = shipped ? name : join(out, `random-${name}.safetensors`)
  if (!shipped) {
    if (!known) throw new Error(`${name} is no design, no preset and no model file`)
    await writeRandomModel(path, known, { size })
  }
  return { text, model: await loadModel(path, { threads, size }) }
}

async function time(): Promise<void> {
  const photo = { width: 640, height: 480 }
  const image = {
    ...photo,
    data: new Uint8Array(3 * photo.width * photo.height).map((_, i) => (i * 2654435761) >>> 24),
  }
  const timed = new Map<string, { predict: () => Promise<unknown>; size: string; flops: number | null }>()
  const models = []
  for (const name of names) {
    const { text, model } = await timedModel(name)
    models.push(model)
    // A model file is asked at the nearest of the sizes that it was trained at.
    const { networkSize } = await model.predictMaps(image, {})
    const flops = totalFlops(Object.values(predictionOutputs(model.config, networkSize).outputs)) / 1e9
    const size = `${networkSize.width}×${networkSize.height}`
    timed.set(text, { predict: () => model.predictMaps(image, {}), size, flops })
  }
  const fastDepth = flags.peers === undefined ? null : await loadFastDepth(flags.peers, { threads })
  if (fastDepth) timed.set('FastDepth', { predict: () => fastDepth.predict(image), size: '224×224', flops: null })
  const times = new Map([...timed.keys()].map((name) => [name, [] as number[]]))
  for (let i = 0; i < 28; i++)
    for (const [name, { predict }] of timed) {
      const begin = performance.now()
      await predict()
      if (i >= 4) times.get(name)!.push(performance.now() - begin)
    }
  const lines = [...timed].map(([text, { size, flops }]): TimeLine => {
    const all = times.get(text)!
    const [name] = text.split('@')
    const own = { name, size, threads: threads ?? availableParallelism(), flops }
    return { command: 'time', ...own, median: median(all), least: Math.min(...all) }
  })
  for (const line of lines) record(line)
  print(timeTable(lines))
  for (const model of models) await model.dispose()
  await fastDepth?.dispose()
}

function tables(): void {
  if (names.length !== 1) throw new Error('table: name one file of lines, docs/log/designs.jsonl')
  const lines = parseLines(readFileSync(names[0], 'utf8'))
  print([memoryTable, compareTable, shapeTable, timeTable].flatMap((table) => [...table(lines), '']))
}

if (command !== 'table') mkdirSync(out, { recursive: true })
if (command === 'memory') await memory()
else if (command === 'compare') await comparison()
else if (command === 'time') await time()
else if (command === 'table') tables()
else
  throw new Error(
    `unknown command ${command}; give memory, compare, time or table, then names of designs: ${DESIGN_NAMES.join(', ')}`,
  )
