import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { TINY, writeTinyModel } from '../../test/tiny-model.ts'
import { modelInfo } from '../inspect/index.ts'
import { registerBench } from './bench.ts'
import { registerInfo } from './info.ts'
import { createProgram } from './program.ts'
import { EXIT_CODES, run } from './run.ts'
import { capturePrinted } from './testing.ts'

let folder = ''
let model = ''
beforeAll(async () => {
  folder = await temporaryFolder()
  model = await writeTinyModel(join(folder, 'tiny.safetensors'))
})

const printed = capturePrinted()

const dar = (...args: string[]) =>
  run(() => createProgram([registerInfo, registerBench], '0').parseAsync(['node', 'dar', ...args]))

it('prints as JSON what modelInfo says of a file, at the file’s own size', async () => {
  expect(await dar('info', model, '--json')).toBe(0)
  const expected = modelInfo(TINY, { size: { width: 128, height: 96 } })
  expect(JSON.parse(printed.out)).toEqual({ model: 'tiny', checksum: 'matches', ...expected })
})

it('takes another size and batch', async () => {
  expect(await dar('info', model, '--json', '--size', '192x160', '--batch', '3')).toBe(0)
  expect(JSON.parse(printed.out)).toMatchObject({ networkSize: { width: 192, height: 160 }, batch: 3 })
})

it('tells what a training with gradient checkpointing takes', async () => {
  expect(await dar('info', model, '--json', '--gradient-checkpointing')).toBe(0)
  const { memory } = modelInfo(TINY, { size: { width: 128, height: 96 }, gradientCheckpointing: true })
  expect(JSON.parse(printed.out)).toMatchObject({ memory })
})

it('prints a table with a line for each part, each step and each memory', async () => {
  expect(await dar('info', model)).toBe(0)
  const { parameters, flops, memory } = modelInfo(TINY, { size: { width: 128, height: 96 } })
  const lines = printed.out.split('\n')
  expect(lines[0]).toBe('tiny at 128×96')
  const cells = (start: string) => lines.find((line) => line.startsWith(start))?.split(/\s{2,}/)
  expect(cells('decoder')?.[1]).toBe(parameters.decoder.toLocaleString('en-US'))
  expect(cells('total')?.slice(1, 3)).toEqual([
    parameters.total.toLocaleString('en-US'),
    (flops.total / 1e9).toLocaleString('en-US', { maximumSignificantDigits: 4 }),
  ])
  expect(cells('step2')?.slice(1, 3)).toEqual(['16×12', '192'])
  expect(cells('to predict')?.[1]).toBe(Math.round(memory.predict / 1e6).toString())
})

it('knows the presets, with and without their first name', async () => {
  expect(await dar('info', 'lite', '--json', '--size', '70x70')).toBe(0)
  expect(JSON.parse(printed.out)).toMatchObject({ model: 'dar-lite', networkSize: { width: 70, height: 70 } })
})

it.each([
  [
    'missing',
    ['info', 'dar-huge'],
    /no preset or model 'dar-huge': the presets are dar-large, .*path of a \.safetensors file/,
  ],
  ['missing', ['info', 'nowhere/model.safetensors'], /cannot read the model nowhere\/model\.safetensors/],
  ['input', ['info', 'dar-nano', '--size', '10'], /--size: the size '10'.*for example 256x192/],
  ['input', ['info', 'dar-nano', '--batch', '0'], /--batch 0: give a whole number above 0/],
  ['input', ['bench', 'huge'], /no preset 'huge': give one of dar-large, .*dar-nano/],
  ['input', ['bench', 'nano', '--runs', 'two'], /--runs two: give a whole number/],
  [
    'output',
    ['bench', 'nano', '--temp', '/nowhere/at/all'],
    /--temp \/nowhere\/at\/all: .*a folder that you may write to/,
  ],
] as const)('has a mistake of the kind %s in %j, and explains it', async (kind, args, message) => {
  expect(await dar(...args)).toBe(EXIT_CODES[kind])
  expect(printed.err).toMatch(message)
  expect(printed.out).toBe('')
})
