/** What people hand from one to the other: recipes as data, hold-outs, records, protocols, references, models and public weights. */
import { join } from 'node:path'
import tiny from '../../recipes/tiny.ts'
import { splitNames, splitSchema } from '../../src/data/split.ts'
import { compare } from '../../src/eval/compare.ts'
import { FIGURES } from '../../src/eval/judge.ts'
import { loadProtocol } from '../../src/eval/presets.ts'
import { readRecord } from '../../src/eval/record.ts'
import { parseHubReference } from '../../src/hub/hub-reference.ts'
import { configText } from '../../src/model/index.ts'
import { openModel } from '../../src/node/model-file.ts'
import { openPretrained } from '../../src/pretrained/pretrained-file.ts'
import { asDinov2, asDinov2Model, randomTensors, targetsOf, tinyDino } from '../../src/pretrained/testing.ts'
import { readWeights } from '../../src/runtime/weights.ts'
import { serialiseSafetensors } from '../../src/safetensors/index.ts'
import { parseRecipe } from '../../src/train/recipe.ts'
import { TINY, writeTinyModel } from '../tiny-model.ts'
import { asFile, asJson, decoded, folder, put, type Target, text } from './target.ts'

const DINO = tinyDino()
const DINO_TARGETS = targetsOf(DINO)
const figures = (value: number) => Object.fromEntries(FIGURES.map((name) => [name, value]))
const NAMES = Array.from({ length: 100 }, (_, i) => `day${Math.floor(i / 40)}/${i}`)

/** Tensors of the tiny model, for files whose metadata change. */
const tensors: Record<string, { dtype: 'F16'; shape: readonly number[]; data: Uint16Array<ArrayBuffer> }> = {}

export const SETTINGS_TARGETS: Readonly<Record<string, Target>> = {
  recipe: { seeds: async () => [text(JSON.stringify(tiny))], parse: asJson((value) => parseRecipe(value, 'x')) },
  'split-rule': {
    seeds: async () => [
      text('{"kind": "prefix", "heldOut": ["day1"]}'),
      text('{"kind": "tail", "fraction": 0.2, "gap": 2}'),
      text('{"kind": "blocks", "blocks": 2, "fraction": 0.2, "gap": 1}'),
    ],
    parse: asJson((value) => {
      const rule = splitSchema.safeParse(value)
      if (rule.success) splitNames(NAMES, rule.data)
    }),
  },
  record: {
    seeds: async () => {
      const frames = [
        { name: 'a', metrics: figures(0.5) },
        { name: 'b', metrics: figures(0.7) },
      ]
      const model = { name: 'm', sha256: '0' }
      const head = {
        format: 'dar-eval/1',
        data: { name: 'set' },
        model,
        predictions: null,
        protocol: {},
        protocolText: 'p',
      }
      return [text(JSON.stringify({ ...head, images: 2, metrics: figures(0.6), frames }))]
    },
    parse: asFile('record.json', async (path) => {
      const record = await readRecord(path)
      compare(record, record, { resamples: 100 })
    }),
  },
  protocol: {
    seeds: async () => [
      text('{"region": "garg", "minimum": 0.001, "cap": 80, "alignment": "none", "input": "kb", "regionOf": "input"}'),
      text(
        '{"region": "full", "minimum": 0, "cap": 8, "alignment": "none", "truthSize": {"width": 640, "height": 480}}',
      ),
    ],
    parse: asFile('protocol.json', (path) => loadProtocol(path)),
  },
  hub: {
    seeds: async () => [text('hub:owner/name@main/folder/model.safetensors'), text('hub:owner/name')],
    parse: (bytes) => parseHubReference(decoded(bytes)),
  },
  model: {
    seeds: async () => {
      const path = await writeTinyModel(join(folder, 'seed.safetensors'))
      const { values, shapes } = await readWeights(path)
      for (const [name, { length }] of values)
        tensors[name] = { dtype: 'F16', shape: shapes.get(name) ?? [], data: new Uint16Array(length) }
      return [text(JSON.stringify({ config: configText(TINY), predictSizes: '128x96,96x128', predictSize: '128x96' }))]
    },
    parse: asJson((metadata) => {
      if (!isTexts(metadata)) return
      const path = put('model.safetensors', serialiseSafetensors(tensors, metadata))
      return openModel(path, { mapAbove: Number.POSITIVE_INFINITY })
    }),
  },
  pretrained: {
    seeds: async () => {
      const ours = randomTensors(DINO_TARGETS)
      const depth = DINO.encoder.kind === 'vit' ? DINO.encoder.depth : 0
      return [asDinov2(ours, { depth }), asDinov2Model(ours, { depth })].map((file) =>
        serialiseSafetensors(
          Object.fromEntries(
            [...file].map(([name, { shape, values }]) => [name, { dtype: 'F32', shape, data: values }]),
          ),
        ),
      )
    },
    parse: asFile('public.safetensors', async (path) => {
      await using file = await openPretrained(path, { config: DINO, targets: DINO_TARGETS })
      for (const name of file.plan.origins.keys()) await file.read(name)
    }),
  },
}

const isTexts = (value: unknown): value is Readonly<Record<string, string>> =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).every((one) => typeof one === 'string')
