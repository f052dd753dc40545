/**
 * What the transformer of a model is worth: the same model, whose tokens say the same of every picture.
 *
 *     npx tsx scripts/silence.ts --data DIR [--frames 24] [--threads 1] MODEL OUT.safetensors
 *
 * y_out^k of every step is replaced by its mean over the places of pictures, so h_k tells the step and nothing of the picture; what is
 * left is the context, the bins of the step before and the last layers (docs/algorithm.md, section 7). Judge both files beside each other
 * (`scripts/holdouts.ts`): what they differ by is what the tokens say. It tells what these weights use, not what a training without the
 * transformer would reach.
 *
 * The pictures are FRAMES of each set of DIR (training side). For each step it prints how much of y_out and of h differs between pictures and between
 * the places of a picture: variance by the square of the mean, summed over the channels.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { folderDataset, SPLITS, splitNames } from '../src/data/index.ts'
import { compile } from '../src/graph/index.ts'
import { toPlanes } from '../src/image/index.ts'
import { imageMultiple, inferenceGraph, inferenceOutputs, parseConfig, usesTokens } from '../src/model/index.ts'
import { withoutChecksum } from '../src/runtime/checksum.ts'
import { Engine } from '../src/runtime/engine.ts'
import { readWeights, storedConfig, writeWeights } from '../src/runtime/weights.ts'
import { DarError } from '../src/support/errors.ts'
import { few, row } from './designs/trial.ts'
import { type Place, spreadOf, withoutTokens } from './silence/tokens.ts'

/** About the size of the pictures, in pixels; a side is a multiple of what the encoder needs. */
const [WIDTH, HEIGHT] = [320, 240]

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { data: { type: 'string' }, frames: { type: 'string', default: '24' }, threads: { type: 'string' } },
})
const [path, out] = positionals
if (positionals.length !== 2) throw new DarError('give a model and the file to write')
if (!flags.data) throw new DarError('--data is missing; name the folder that holds the sets of real-splits.ts')
const frames = Number(flags.frames)
if (!Number.isInteger(frames) || frames < 2)
  throw new DarError(`--frames is ${flags.frames}; give a whole number, at least 2`)

const weights = await readWeights(path)
const config = parseConfig(storedConfig(weights, path), path)
if (!usesTokens(config)) throw new DarError(`${path} has no transformer (head ${config.head.kind})`)
const multiple = imageMultiple(config)
const [width, height] = [WIDTH, HEIGHT].map((side) => multiple * Math.round(side / multiple))
const { model } = inferenceGraph(config, { width, height })
const traced = inferenceOutputs(model, ['trace'])
const steps = Array.from({ length: config.steps }, (_, i) => traced[`trace/step${i + 1}.y_out`])
await using engine = new Engine({ threads: flags.threads === undefined ? undefined : Number(flags.threads) })
const compiled = compile(Object.fromEntries(steps.map((y, i) => [`y${i + 1}`, y])), { name: 'tokens' })
await using program = await engine.load(compiled)
const feeds = Object.fromEntries(compiled.parameters.map(({ name }) => [name, weights.values.get(name)!]))

/** By step, then by picture. */
const tokens: Place[][][] = steps.map(() => [])
for (const [name, split] of Object.entries(SPLITS)) {
  const set = await folderDataset(join(flags.data, name))
  for await (const { image } of few(set, frames, splitNames(set.names, split).train)) {
    const results = await program.run({ ...feeds, image: toPlanes(image, width, height) })
    steps.forEach(({ shape }, i) => {
      const y = results[`y${i + 1}`] as Float32Array
      const channels = shape[shape.length - 1]
      const places = Array.from({ length: y.length / channels }, (_, t) => y.slice(t * channels, (t + 1) * channels))
      tokens[i].push(places)
    })
  }
}
row(['step', 'y_out between pictures', 'between places', 'h between pictures', 'between places'])
const { silenced, hidden } = withoutTokens(weights, config, tokens)
const share = (x: number) => x.toFixed(4)
tokens.forEach((pictures, i) => {
  const [y, h] = [spreadOf(pictures), spreadOf(pictures.map((places) => places.map((place) => hidden(place, i))))]
  row([i + 1, share(y.pictures), share(y.places), share(h.pictures), share(h.places)])
})
await writeWeights(out, silenced, withoutChecksum(weights.metadata), { dtype: 'F16' })
