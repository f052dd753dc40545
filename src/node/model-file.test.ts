import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { TINY, writeTinyModel } from '../../test/tiny-model.ts'
import { configText } from '../model/index.ts'
import { writeWeights } from '../runtime/weights.ts'
import { DarError } from '../support/errors.ts'
import { openModel } from './model-file.ts'
import { MODELS, resolveModelPath, shippedModels } from './model-path.ts'

let folder = ''
beforeAll(async () => {
  folder = await temporaryFolder()
})

const open = (path: string) => openModel(path, { mapAbove: Number.POSITIVE_INFINITY })

async function refusal(path: string): Promise<string> {
  const error = await open(path).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof DarError)) throw new Error(`expected a DarError, got ${error}`)
  return error.message
}

describe('resolveModelPath', () => {
  it('takes a path as it is and looks a name up among the shipped models', () => {
    expect(resolveModelPath('some/where.safetensors')).toBe('some/where.safetensors')
    expect(resolveModelPath('here.safetensors')).toBe('here.safetensors')
    for (const name of shippedModels()) expect(resolveModelPath(name)).toBe(join(MODELS, name, 'model.safetensors'))
  })

  it('refuses an unknown name with a list of those there are', () => {
    expect(() => resolveModelPath('dar-nono')).toThrow(DarError)
    expect(() => resolveModelPath('dar-nono')).toThrow(
      /'dar-nono'.*the path of a \.safetensors file, or hub:owner\/name$/,
    )
    for (const name of shippedModels()) expect(() => resolveModelPath('dar-nono')).toThrow(name)
  })
})

describe('openModel', () => {
  it('reads config, size and float16 weights', async () => {
    const model = await open(await writeTinyModel(join(folder, 'tiny.safetensors')))
    expect(model.name).toBe('tiny')
    expect(model.config).toEqual(TINY)
    expect(model.size).toEqual({ width: 128, height: 96 })
    if (model.weights.kind !== 'embedded') throw new Error('expected embedded weights')
    expect(model.weights.values.get('decoder.start')?.length).toBe(TINY.memoryWidth)
  })

  it('takes 256×192 where the file does not state a size', async () => {
    const path = await writeTinyModel(join(folder, 'sizeless.safetensors'), { metadata: {} })
    expect((await open(path)).size).toEqual({ width: 256, height: 192 })
  })

  it('calls a model.safetensors by its folder', async () => {
    await mkdir(join(folder, 'garden'))
    expect((await open(await writeTinyModel(join(folder, 'garden', 'model.safetensors')))).name).toBe('garden')
  })

  it('follows a symbolic link to the file itself', async () => {
    await writeTinyModel(join(folder, 'blob.safetensors'))
    await symlink(join(folder, 'blob.safetensors'), join(folder, 'link.safetensors'))
    expect((await open(join(folder, 'link.safetensors'))).path).toMatch(/blob\.safetensors$/)
  })

  it('maps large float32 files, and reads float16 ones whatever their size', async () => {
    const single = await writeTinyModel(join(folder, 'f32.safetensors'), { dtype: 'F32' })
    const half = await writeTinyModel(join(folder, 'f16.safetensors'), { dtype: 'F16' })
    expect((await openModel(single, { mapAbove: 1000 })).weights.kind).toBe('external')
    expect((await openModel(single, { mapAbove: 1e9 })).weights.kind).toBe('embedded')
    expect((await openModel(half, { mapAbove: 1000 })).weights.kind).toBe('embedded')
  })

  it('names a file that is not there, is no safetensors file, or holds no config', async () => {
    expect(await refusal(join(folder, 'absent.safetensors'))).toMatch(/cannot read the model .*absent.*check the path/)
    const text = join(folder, 'text.safetensors')
    await writeFile(text, 'this is not a model at all')
    expect(await refusal(text)).toContain('text.safetensors')
    const bare = join(folder, 'bare.safetensors')
    await writeWeights(bare, [{ name: 'w', shape: [1], values: Float32Array.of(1) }], {})
    expect(await refusal(bare)).toMatch(/bare\.safetensors holds no model config/)
  })

  it('names the field of a config that is wrong, and a size that is none', async () => {
    const path = join(folder, 'bad.safetensors')
    await writeWeights(path, [{ name: 'w', shape: [1], values: Float32Array.of(1) }], { config: '{"steps":0}' })
    expect(await refusal(path)).toMatch(/bad\.safetensors: steps: /)
    await writeTinyModel(path, { metadata: { predictSize: 'large' } })
    expect(await refusal(path)).toMatch(/bad\.safetensors: the size 'large'/)
  })

  it('names a tensor that is missing or has another shape than the config asks for', async () => {
    const path = join(folder, 'short.safetensors')
    const config = configText(TINY)
    const others = [...'abcd'].map((name) => ({ name, shape: [64], values: new Float32Array(64) }))
    await writeWeights(path, others, { config })
    expect(await refusal(path)).toMatch(/short\.safetensors: the tensor .* is missing; train or export/)
    await writeTinyModel(path, { metadata: { config: configText({ ...TINY, memoryWidth: 48 }) } })
    expect(await refusal(path)).toMatch(/short\.safetensors: the tensor .* is \[.*\] where its config needs \[.*\]/)
  })

  it.each([
    ['bins', { bins: 1e9 }, /bins: is 1000000000; it must be from 1 to 4096/],
    ['bins that no tensor has', { bins: 4000 }, /bins is 4000, but no tensor has an axis longer than/],
    ['blocks that are not there', { layers: 63 }, /layers is 63, but there are only \d+ tensors/],
    ['a position grid', { encoder: 'vit', posGrid: [256, 256] }, /posGrid is 65537/],
    ['token maps', { sizes: [[1e6, 1e6], [1e6, 1e6]] }, /sizes\.0\.0: is 1000000/], // biome-ignore format: one line
  ])('refuses %s before it builds anything', async (_, fields, expected) => {
    const path = join(folder, 'huge.safetensors')
    await writeTinyModel(path, { metadata: { config: JSON.stringify({ ...TINY, ...fields }) } })
    expect(await refusal(path)).toMatch(expected)
  })

  it.each([
    ['1000000000x1000000000', /is not two whole numbers/],
    ['8192x8192', /more than 4194304 pixels/],
    ['100x96', /is no multiple of 16/],
    [Array(1e6).fill('64x64').join(), /more than 64 sizes/],
    [`${'9'.repeat(1e6)}x1`, /the size '9{40}…'/],
  ])('refuses predictSizes that no network is run at', async (predictSizes, expected) => {
    const path = join(folder, 'sizes.safetensors')
    await writeTinyModel(path, { metadata: { predictSizes } })
    const message = await refusal(path)
    expect(message).toMatch(expected)
    expect(message.length).toBeLessThan(400)
  })

  it('tells a training checkpoint from a model', async () => {
    const path = join(folder, 'checkpoint.safetensors')
    const tensors = [{ name: 'params/w', shape: [1], values: Float32Array.of(1) }]
    await writeWeights(path, tensors, { config: configText(TINY) })
    expect(await refusal(path)).toMatch(/is a training checkpoint; give the model\.safetensors/)
  })
})
