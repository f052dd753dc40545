import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { writeTinyModel } from '../../test/tiny-model.ts'
import { registerExport } from './export.ts'
import { createProgram } from './program.ts'
import { EXIT_MISTAKE, run } from './run.ts'
import { capturePrinted } from './testing.ts'

let folder = ''
let model = ''
let out = ''
beforeEach(async () => {
  folder = await temporaryFolder()
  model = await writeTinyModel(join(folder, 'tiny.safetensors'), { metadata: { predictSizes: '96x64,64x64,128x96' } })
  out = join(folder, 'out')
})

const printed = capturePrinted()

/** Exit code, and what stands on stderr, the parser's own words included. */
async function dar(...args: string[]): Promise<{ code: number; errors: string }> {
  const program = createProgram([registerExport], '0')
  let errors = ''
  const write = (text: string) => {
    errors += text
  }
  for (const command of program.commands) command.configureOutput({ writeErr: write })
  const code = await run(() => program.parseAsync(['export', ...args], { from: 'user' }), { write })
  return { code, errors }
}

it('writes the folder and says which files of the network are how large', async () => {
  expect(await dar(model, '-o', out)).toEqual({ code: 0, errors: '' })
  expect((await readdir(out)).sort()).toEqual([
    '128x96',
    '64x64',
    'config.json',
    'dar-export.json',
    'onnx',
    'preprocessor_config.json',
  ])
  const bytes = (await readFile(join(out, 'onnx/model.onnx'))).length
  expect(printed.out.split('\n')[0]).toBe(`${join(out, 'onnx/model.onnx')}: ${(bytes / 1e6).toFixed(1)} MB`)
})

it.each([
  ['--fp16', 'fp16', 'model_fp16.onnx'],
  ['--int8', 'int8', 'model_quantized.onnx'],
] as const)('takes %s and several sizes, and prints one JSON document', async (flag, precision, file) => {
  const args = [model, '-o', out, flag, '--size', '64x64', '128x96', '--json']
  expect(await dar(...args)).toEqual({ code: 0, errors: '' })
  const result = JSON.parse(printed.out)
  expect(result).toMatchObject({ model: 'tiny', precision })
  expect(result.sizes.map(({ width, height }: { width: number; height: number }) => [width, height])).toEqual([
    [64, 64],
    [128, 96],
  ])
  for (const size of result.sizes) expect(await readdir(join(size.folder, 'onnx'))).toEqual([file])
})

it('replaces an earlier export only with --force, and nothing else at all', async () => {
  expect((await dar(model, '-o', out)).code).toBe(0)
  const again = await dar(model, '-o', out)
  expect(again.code).toBe(EXIT_MISTAKE)
  expect(again.errors).toMatch(/holds an earlier export; give --force/)
  expect((await dar(model, '-o', out, '--force', '--fp16')).code).toBe(0)
  expect(await readdir(join(out, 'onnx'))).toEqual(['model_fp16.onnx'])
  const own = join(folder, 'own')
  await mkdir(own)
  await writeFile(join(own, 'thesis.txt'), 'years')
  expect((await dar(model, '-o', own, '--force')).errors).toMatch(/is not empty and no earlier export/)
  expect(await readdir(own)).toEqual(['thesis.txt'])
})

it.each([
  [['--fp16', '--int8'], /'--fp16' cannot be used with option '--int8'|'--int8' cannot be used with option '--fp16'/],
  [['--size', '100x64'], /100x64 does not suit the model: width and height must be multiples of 16/],
  [['--size', '192x144'], /tiny was trained at 96x64, 64x64 and 128x96 and its metres are right only there/],
  [['--size', 'large'], /--size: the size 'large'/],
] as const)('refuses %j', async (flags, message) => {
  const { code, errors } = await dar(model, '-o', out, ...flags)
  expect(code).toBe(EXIT_MISTAKE)
  expect(errors).toMatch(message)
  expect(await readdir(folder)).toEqual(['tiny.safetensors'])
})

it('needs a folder, and a model that is there', async () => {
  expect((await dar(model)).errors).toMatch(/required option '-o, --out <dir>' not specified/)
  expect((await dar(join(folder, 'nowhere.safetensors'), '-o', out)).errors).toMatch(/cannot read the model .*nowhere/)
})
