/** The exported folder appears whole or not at all, and replaces nothing that is not an export. */
import { appendFile, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { writeTinyModel } from '../../test/tiny-model.ts'
import { exportModel } from './index.ts'

let work: string
let model: string
beforeEach(async () => {
  work = await temporaryFolder()
  model = await writeTinyModel(join(work, 'tiny.safetensors'), { metadata: { predictSizes: '96x64,64x96' } })
})

const config = async (folder: string) => JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'))

test('without sizes it has those of the training, the first at the top', async () => {
  const out = join(work, 'out')
  const { sizes } = await exportModel(model, out)
  expect(sizes.map(({ folder }) => folder)).toEqual([out, join(out, '64x96')])
  expect((await readdir(out)).sort()).toEqual([
    '64x96',
    'config.json',
    'dar-export.json',
    'onnx',
    'preprocessor_config.json',
  ])
  expect((await readdir(join(out, '64x96'))).sort()).toEqual(['config.json', 'onnx', 'preprocessor_config.json'])
  const preprocessor = JSON.parse(await readFile(join(out, '64x96', 'preprocessor_config.json'), 'utf8'))
  expect(preprocessor.size).toEqual({ width: 256, height: 384 })
  expect((await config(out)).dar_depth.networkSize).toEqual({ width: 96, height: 64 })
})

test('the precision is in the file’s name and in the config', async () => {
  for (const [precision, file, dtype] of [
    ['fp32', 'model.onnx', 'fp32'],
    ['fp16', 'model_fp16.onnx', 'fp16'],
    ['int8', 'model_quantized.onnx', 'q8'],
  ] as const) {
    const out = join(work, precision)
    await exportModel(model, out, { precision })
    expect(await readdir(join(out, 'onnx'))).toEqual([file])
    expect((await config(out))['transformers.js_config']).toEqual({ dtype })
  }
})

test('an earlier export is replaced only when forced, and then whole', async () => {
  const out = join(work, 'out')
  await exportModel(model, out)
  await expect(exportModel(model, out)).rejects.toThrow(/holds an earlier export; give --force/)
  await exportModel(model, out, { precision: 'fp16', sizes: [{ width: 64, height: 96 }], force: true })
  expect((await readdir(out)).sort()).toEqual(['config.json', 'dar-export.json', 'onnx', 'preprocessor_config.json'])
  expect(await readdir(join(out, 'onnx'))).toEqual(['model_fp16.onnx'])
  expect((await readdir(work)).sort()).toEqual(['out', 'tiny.safetensors'])
})

test.each<[string, (out: string) => Promise<unknown>]>([
  ['notes.md', (out) => writeFile(join(out, 'notes.md'), 'mine')],
  ['onnx/model_mine.onnx', (out) => writeFile(join(out, 'onnx', 'model_mine.onnx'), 'mine')],
  ['64x96/kept', (out) => mkdir(join(out, '64x96', 'kept'))],
  ['config.json', (out) => appendFile(join(out, 'config.json'), ' ')],
  ['64x96/onnx/model.onnx', (out) => appendFile(join(out, '64x96', 'onnx', 'model.onnx'), ' ')],
  ['onnx/link', (out) => symlink('/nowhere', join(out, 'onnx', 'link'))],
])('an earlier export with %s in it that is somebody’s own is not replaced, even when forced', async (name, change) => {
  const out = join(work, 'out')
  await exportModel(model, out)
  await change(out)
  const before = (await readdir(out, { recursive: true })).sort()
  await expect(exportModel(model, out, { force: true })).rejects.toThrow(
    `or what was changed since: ${name}; move that away`,
  )
  expect((await readdir(out, { recursive: true })).sort()).toEqual(before)
  expect((await readdir(work)).sort()).toEqual(['out', 'tiny.safetensors'])
})

test('an export of a version that kept no list is replaced if all names in it are an export’s', async () => {
  const out = join(work, 'out')
  await exportModel(model, out)
  await rm(join(out, 'dar-export.json'))
  await exportModel(model, out, { force: true })
  await rm(join(out, 'dar-export.json'))
  await writeFile(join(out, 'onnx', 'model.onnx.bak'), '')
  await expect(exportModel(model, out, { force: true })).rejects.toThrow('changed since: onnx/model.onnx.bak')
})

test('a folder with other things is left alone, even when forced', async () => {
  const out = join(work, 'out')
  await mkdir(out)
  await writeFile(join(out, 'config.json'), '{}')
  await expect(exportModel(model, out, { force: true })).rejects.toThrow(/is not empty and no earlier export/)
  expect(await readFile(join(out, 'config.json'), 'utf8')).toBe('{}')
})

test('a failure leaves nothing behind', async () => {
  const out = join(work, 'out')
  const onFile = () => {
    throw new Error('stop')
  }
  await expect(exportModel(model, out, { onFile })).rejects.toThrow('stop')
  expect(await readdir(work)).toEqual(['tiny.safetensors'])
})

test('a size that the model was not trained at is refused with those that it was', async () => {
  const sizes = [{ width: 128, height: 96 }]
  await expect(exportModel(model, join(work, 'out'), { sizes })).rejects.toThrow(
    'tiny was trained at 96x64 and 64x96 and its metres are right only there: leave out the size 128x96, or give one of those',
  )
})

test('a size that the encoder cannot take is refused with the multiple it needs', async () => {
  const sizes = [{ width: 100, height: 64 }]
  await expect(exportModel(model, join(work, 'out'), { sizes })).rejects.toThrow(/100x64 .* multiples of 16/)
})
