/**
 * How good a recipe is on a place that its model has never seen. The model is trained on all sets but one, and scored on every frame
 * of that one, beside FastDepth and the mean depth map of the training sets. The hold-out of a training set is easier than a new place,
 * because it shows the same rooms with the same camera. So augmentation, losses and the weights of sets are chosen with this script.
 *
 *     npx tsx scripts/leave-one-out.ts --data DATA (--weights FILE | --encoder FILE) [--recipe dar-nano] [--minutes 30] \
 *       [--peers DIR] [--out runs/leave-one-out] [--seed N] [--size WxH] [--test SET+…] SET …
 *
 * `SET` may be several, `hololens+tum+office`: one model is trained without all of them and scored on each. That is one training for
 * three figures, and a harder test than leaving one out, because the others are missing too. Sets that a teacher labelled may be left out,
 * but are not tested on. Rooms that are rendered while training have names, too: `rooms` unless the recipe says another. So furnished homes alone, tested on all real sets, is
 *
 *     … --encoder mobilenetv2_imagenet.safetensors --test rgbdd+hololens+kitchen+tum+office+tabletop \
 *       plain-rooms+furnished+taught+rgbdd+hololens+kitchen+tum+office+tabletop
 *
 * Each model is trained with the recipe's last stage (`--size 256x192`: at that size and upright, in turn, instead of the stage's), for as
 * many updates as fit into --minutes of processor time. The starting weights must not have been trained on the set either. Every set
 * that is left out is tested, or those of --test. Scores: centre box, 0.1 to 10 m, no alignment. A line of JSON for each set and
 * predictor goes to OUT/leave-one-out.jsonl.
 */
import { appendFileSync, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { folderDataset, type NamedDataset } from '../src/data/index.ts'
import { DepthStatistics, depthStatistics, mapPredictor } from '../src/eval/baselines.ts'
import { evaluate, modelPredictor, type Predictor } from '../src/eval/index.ts'
import { INDOOR_RANGE, type Protocol } from '../src/eval/protocol.ts'
import { loadModel } from '../src/node/index.ts'
import { parseSize } from '../src/predict/index.ts'
import { loadRecipe, modelPath, nameOfData, type Recipe } from '../src/train/index.ts'
import { loadFastDepth } from './card/fastdepth.ts'
import { few, row, runTrial, say, three } from './designs/trial.ts'

/** FastDepth sees only this box. */
const PROTOCOL: Protocol = { region: 'crop_native', ...INDOOR_RANGE, alignment: 'none' }
/** Number of frames of each set that the mean map is built from, spread over the set. */
const MEAN_OF = 60
/** Updates that are timed to estimate the cost of one. */
const PROBE = 12

const { values: flags, positionals: sets } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: 'string' },
    weights: { type: 'string' },
    encoder: { type: 'string' },
    recipe: { type: 'string', default: 'dar-nano' },
    minutes: { type: 'string', default: '30' },
    peers: { type: 'string' },
    test: { type: 'string' },
    size: { type: 'string' },
    out: { type: 'string', default: 'runs/leave-one-out' },
    seed: { type: 'string' },
    threads: { type: 'string' },
  },
})
if (!flags.data) throw new Error('--data is missing; name the folder that holds the sets of the recipe')
if (!flags.weights && !flags.encoder) throw new Error('give --weights or --encoder: where the training starts')
const [data, out] = [resolve(flags.data), resolve(flags.out)]
const threads = flags.threads === undefined ? undefined : Number(flags.threads)
const recipe = await loadRecipe(flags.recipe)
const tested = flags.test?.split('+')
const size = flags.size === undefined ? null : parseSize(flags.size, '--size')
/** The sets with measured depth. Sets labelled by a teacher are not tested on, and not part of a mean map. */
const folders = recipe.data.flatMap((one) => (one.kind === 'dataset' && !one.teacher ? [one] : []))
const named = recipe.data.map(nameOfData)
for (const name of tested ?? [])
  if (!folders.some((one) => one.name === name))
    throw new Error(`--test ${name}: ${recipe.name} has no such set with measured depth`)

/** The recipe without these sets and with its last stage only. Frames of other sets that it holds out stay held out. */
function without(left: readonly string[], updates: number): Recipe {
  const last = recipe.stages[recipe.stages.length - 1]
  const stage = size ? { ...last, ...size, also: [{ width: size.height, height: size.width }] } : last
  const data = recipe.data.filter((one) => !left.includes(nameOfData(one)))
  const taught = data.some((one) => one.kind === 'dataset' && one.teacher)
  return {
    ...recipe,
    name: `${recipe.name}-without-${left.join('-')}`,
    seed: flags.seed === undefined ? recipe.seed : Number(flags.seed),
    data: data.map((one) => (one.kind === 'rooms' ? { ...one, validation: 0 } : one)),
    // The term of a teacher is refused where no set has one.
    stages: [
      { ...stage, updates, loss: taught ? stage.loss : { ...stage.loss, teacher: undefined, teacherFit: undefined } },
    ],
    schedule: { ...recipe.schedule, warmup: Math.min(recipe.schedule.warmup, Math.ceil(updates / 10)) },
    validateEvery: updates + 1,
    checkpointMinutes: 1000,
  }
}

/** Null where no set with measured depth is left. */
async function meanMapWithout(left: readonly string[]): Promise<Predictor | null> {
  const pooled = new DepthStatistics()
  const others = folders.filter(({ name }) => !left.includes(name))
  if (others.length === 0) return null
  for (const { path } of others)
    pooled.merge(await depthStatistics(few(await folderDataset(join(data, path)), MEAN_OF)))
  return mapPredictor(pooled.meanMap())
}

async function figuresOf(test: NamedDataset, predict: Predictor) {
  const [{ metrics, medianScale, images }] = await evaluate(test, predict, { protocols: [PROTOCOL] })
  const { abs_rel, rmse, d1, silog, boundary_f1 } = metrics
  return { abs_rel, rmse, d1, silog, boundary_f1, medianScale, images }
}

mkdirSync(out, { recursive: true })
const fastDepth = flags.peers === undefined ? null : await loadFastDepth(flags.peers)
row(['test', 'predictor', 'updates', 'images', 'abs_rel', 'rmse', 'd1', 'silog', 'boundary_f1', 'median scale'])
for (const names of sets) {
  const left = names.split('+')
  for (const name of left)
    if (!named.includes(name)) throw new Error(`${recipe.name} has no folder ${name}; it has ${named.join(', ')}`)
  const folder = join(out, left.join('-'))
  const start = { data, out: folder, weights: flags.weights, encoder: flags.encoder, threads }
  const probe = await runTrial(without(left, 1000), start, { stopAfter: PROBE })
  const updates = Math.max(1, Math.round((60 * Number(flags.minutes)) / probe.perUpdate))
  say(`without ${left.join(', ')}: ${probe.perUpdate.toFixed(2)} s of processor an update, so ${updates} updates`)
  const { seconds } = await runTrial(without(left, updates), start)
  const model = await loadModel(modelPath(folder), { threads })
  const meanMap = await meanMapWithout(left)
  const predictors = new Map<string, Predictor>([
    [recipe.name, modelPredictor(model)],
    ...(fastDepth ? ([['FastDepth', ({ image }) => fastDepth.predict(image)]] as [string, Predictor][]) : []),
    ...(meanMap ? ([['mean map', meanMap]] as [string, Predictor][]) : []),
  ])
  for (const { path, name } of folders.filter(
    (one) => left.includes(one.name) && (tested?.includes(one.name) ?? true),
  )) {
    const test = await folderDataset(join(data, path))
    for (const [predictor, predict] of predictors) {
      const figures = await figuresOf(test, predict)
      appendFileSync(
        join(out, 'leave-one-out.jsonl'),
        `${JSON.stringify({ left: names, test: name, predictor, updates, seconds, ...figures })}\n`,
      )
      const { images, abs_rel, rmse, d1, silog, boundary_f1, medianScale } = figures
      row([
        name,
        predictor,
        updates,
        images,
        ...[abs_rel, rmse, d1].map(three),
        silog.toFixed(1),
        three(boundary_f1),
        medianScale.toFixed(2),
      ])
    }
  }
  await model.dispose()
}
await fastDepth?.dispose()
