/**
 * The features of a frozen encoder, computed once for each frame and kept on disk: the step then starts from them, and neither runs the
 * encoder nor reads the picture.
 *
 * A file holds the encoder's four maps of one picture in float32, so that they are exactly what the encoder gives: no error beside the
 * order of sums. Its name is a hash of all that they depend on: the encoder's weights and config, the size, and the picture's pixels at that
 * size. A changed photo or encoder therefore has another file, and frames that are the same share one. Files appear whole or not at all.
 *
 * This needs pictures that are the same every time: whole, upright, uncoloured, as in prediction (cacheable.ts).
 */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openDataset, type SourceSpec, subsetOf, wholeFrame } from '../data/index.ts'
import { type StoredFeatures, TAPS } from '../data/stored-features.ts'
import { type Compiled, compile, Graph, sizeOf } from '../graph/index.ts'
import { type DarConfig, encode, normaliseImage, tapShapes } from '../model/index.ts'
import type { Engine, Program, ResidentBuffer } from '../runtime/engine.ts'
import { writeWeights } from '../runtime/weights.ts'
import { assert } from '../support/errors.ts'
import type { Layout } from './parameters.ts'
import type { Shape } from './recipe.ts'
import { boundParameters } from './step-program.ts'

/** In the folder of a run. */
export const featuresFolder = (out: string): string => join(out, 'features')

interface FeatureParts {
  readonly engine: Engine
  readonly config: DarConfig
  readonly layout: Layout
  /** Resident, of the layout. */
  readonly params: ResidentBuffer
  readonly sources: readonly SourceSpec[]
  /** Where the files lie. */
  readonly folder: string
}

/**
 * Computes what is not there yet. Reads every frame once, which tells whether its picture is still the same. Throws a DarError for a frame that
 * cannot be read, and when the folder cannot be written.
 */
export async function prepareFeatures(
  { engine, config, layout, params, sources, folder }: FeatureParts,
  size: Shape,
): Promise<StoredFeatures> {
  const encoder = await encoderHash(config, layout, params)
  const compiled = encoderGraph(config, size)
  await using program = await engine.load(compiled, { boundInputs: boundParameters(compiled, layout, params) })
  const files: Record<string, string> = {}
  for (const source of sources) {
    assert(source.kind === 'dataset', 'rooms have no features on disk')
    const all = await openDataset(source.root, { ...source.options, name: source.name })
    const dataset = source.names ? subsetOf(all, source.names) : all
    for (let i = 0; i < dataset.length; i++) {
      const frame = await dataset.get(i)
      const { image } = wholeFrame(frame, size)
      const name = createHash('sha256').update(encoder).update(sizeText(size)).update(bytesOf(image)).digest('hex')
      const path = join(folder, `${name}.safetensors`)
      if (!existsSync(path)) await computeOne(program, image, path)
      files[frame.name] = path
    }
  }
  return { files, lengths: tapShapes(config, size, 1).map(sizeOf) }
}

async function computeOne(program: Program, image: Float32Array, path: string): Promise<void> {
  const results = await program.run({ image })
  const taps = program.outputs.map(({ name, shape }) => ({
    name,
    shape,
    values: results[name] as Float32Array<ArrayBuffer>,
  }))
  await writeWeights(path, taps, {})
}

function encoderGraph(config: DarConfig, { height, width }: Shape): Compiled {
  const image = new Graph().input('image', [1, 3, height, width])
  const taps = encode(image.graph, normaliseImage(image, config), config, new Map())
  return compile(Object.fromEntries(taps.map((tap, i) => [TAPS[i], tap])), { name: `encoder ${width}×${height}` })
}

/** Of its config and weights. */
async function encoderHash(config: DarConfig, layout: Layout, params: ResidentBuffer): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(config.encoder))
  const values = await params.read()
  for (const { name, offset, length } of layout.entries)
    if (name.startsWith('encoder.')) hash.update(name).update(bytesOf(values.subarray(offset, offset + length)))
  return hash.digest('hex')
}

const sizeText = ({ height, width }: Shape): string => `${width}x${height}`

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)
