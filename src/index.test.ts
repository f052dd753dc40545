/** The public entry: its types, its example as the docstring gives it, and that nothing is exported by accident. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp, { type Sharp } from 'sharp'
import { beforeAll, expect, expectTypeOf, it } from 'vitest'
import { loadedBy } from '../test/loaded.ts'
import { temporaryFolder } from '../test/temporary-folder.ts'
import { writeTinyModel } from '../test/tiny-model.ts'
import * as dar from './index.ts'
import {
  colourise,
  type DarError,
  type DepthMap,
  type DepthModel,
  type DepthResult,
  encodePngRgb,
  type FocalSource,
  type ImageInput,
  loadModel,
  type ManyResult,
  type RgbImage,
  type StepMap,
  type StreamedMap,
  withLegend,
} from './index.ts'

let folder = ''
beforeAll(async () => {
  folder = await temporaryFolder()
})

it('runs the example', async () => {
  const photo = join(folder, 'photo.jpg')
  await sharp({ create: { width: 40, height: 30, channels: 3, background: 'teal' } }).toFile(photo)
  const picture = join(folder, 'photo.color.png')

  const model = await loadModel(await writeTinyModel(join(folder, 'tiny.safetensors')), { threads: 1 })
  const map = await model.predict(photo)
  const colours = withLegend(colourise(map))
  await writeFile(picture, await encodePngRgb(colours))
  await model.dispose()

  expect(map.depth.length).toBe(40 * 30)
  expect((await sharp(await readFile(picture)).metadata()).width).toBe(colours.width)
})

it('has the types that it promises', () => {
  expectTypeOf(loadModel).parameter(0).toEqualTypeOf<string>()
  expectTypeOf(loadModel).returns.resolves.toEqualTypeOf<DepthModel>()
  expectTypeOf<DepthModel['predict']>().parameter(0).toEqualTypeOf<ImageInput>()
  expectTypeOf<DepthModel['predict']>().returns.resolves.toEqualTypeOf<DepthResult>()
  expectTypeOf<DepthResult>().toExtend<DepthMap>()
  expectTypeOf<StreamedMap>().toExtend<DepthResult>()
  expectTypeOf<string | URL | Buffer | ArrayBuffer | Blob | File | Sharp | RgbImage>().toExtend<ImageInput>()
  expectTypeOf<{ data: Uint8ClampedArray; width: number; height: number; colorSpace: 'srgb' }>().toExtend<ImageInput>()
  expectTypeOf<number>().not.toExtend<ImageInput>()
  expectTypeOf<DepthMap['depth']>().toEqualTypeOf<Float32Array>()
  expectTypeOf<DepthMap['sigma']>().toEqualTypeOf<Float32Array | null>()
  expectTypeOf<DepthMap['steps']>().toEqualTypeOf<readonly StepMap[]>()
  expectTypeOf<DepthMap['focal']['source']>().toEqualTypeOf<FocalSource>()
  expectTypeOf<DepthModel>().toExtend<AsyncDisposable>()
  expectTypeOf<Extract<ManyResult, { map: null }>['error']>().toEqualTypeOf<DarError>()
  // @ts-expect-error a focal length is a number of pixels
  const options: Parameters<DepthModel['predict']>[1] = { focal: '500' }
  expect(options).toBeDefined()
})

it('exports what is documented and no more', () => {
  expect(Object.keys(dar).sort()).toEqual([
    'COLOR_MAPS',
    'DEFAULT_SCALE',
    'DarError',
    'DepthModel',
    'EngineError',
    'alignDepth',
    'colourise',
    'decodeDepthPng',
    'decodeImage',
    'decodeNpy',
    'depthRange',
    'encodeDepthNpz',
    'encodeDepthPng',
    'encodeExr',
    'encodeLogDepthPng',
    'encodeNpy',
    'encodePly',
    'encodePngRgb',
    'loadModel',
    'pipeline',
    'pointsOfDepth',
    'resizeImage',
    'saveDepth',
    'shippedModels',
    'toPointCloud',
    'withLegend',
  ])
})

it('loads what prediction needs, and nothing of training, evaluation, data sets or downloads', async () => {
  const { files, packages } = await loadedBy('src/index.ts')
  expect(files).toContain('src/index.ts')
  const foreign = /^src\/(train|eval|rooms|pretrained|inspect|export|cli|data\/(?!view\.ts))/
  expect(files.filter((file) => foreign.test(file))).toEqual([])
  expect(packages).not.toContain('@huggingface/hub')
  expect(packages).not.toContain('h5wasm')
})
