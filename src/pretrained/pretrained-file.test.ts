import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { evaluate, numbers } from '../../test/op-harness.ts'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { Graph } from '../graph/index.ts'
import { buildDar, configText, type DarConfig } from '../model/index.ts'
import { Engine } from '../runtime/engine.ts'
import { DarError } from '../support/errors.ts'
import { openPretrained } from './pretrained-file.ts'
import { reportOf } from './report.ts'
import {
  asDepthAnything,
  asDepthAnythingModel,
  asDinov2,
  asDinov2Model,
  asTimm,
  prefixed,
  randomTensors,
  type Tensors,
  TINY_DINO,
  targetsOf,
  tinyDino,
  writeTensors,
} from './testing.ts'

const config = tinyDino()
const targets = targetsOf(config)
const ours = randomTensors(targets)
const { encoderDepth: depth } = TINY_DINO
const only = (part: string): Tensors => new Map([...ours].filter(([name]) => name.startsWith(part)))
const bare = (): Tensors => new Map([...only('encoder.')].map(([name, tensor]) => [name.slice(8), tensor]))

/** By name of the scheme: a file, and whether it has a neck. */
const FILES: Readonly<Record<string, readonly [tensors: Tensors, scheme: string, neck: boolean]>> = {
  'DINOv2’s own': [asDinov2(ours, { depth }), 'DINOv2', false],
  'DINOv2’s own, chunked': [asDinov2(ours, { depth, chunk: 2 }), 'DINOv2', false],
  'DINOv2’s own, of a teacher': [prefixed(asDinov2(ours, { depth }), 'teacher.backbone.'), 'DINOv2', false],
  timm: [asTimm(ours, { depth }), 'timm', false],
  Dinov2Model: [asDinov2Model(ours, { depth }), 'Hugging Face Dinov2Model', false],
  Dinov2ForImageClassification: [
    prefixed(asDinov2Model(ours, { depth }), 'dinov2.'),
    'Hugging Face Dinov2Model',
    false,
  ],
  'Depth Anything’s own': [asDepthAnything(ours, { depth }), 'Depth Anything', true],
  'Depth Anything’s own, of a wrapped module': [
    prefixed(asDepthAnything(ours, { depth }), 'module.'),
    'Depth Anything',
    true,
  ],
  DepthAnythingForDepthEstimation: [
    asDepthAnythingModel(ours, { depth }),
    'Hugging Face DepthAnythingForDepthEstimation',
    true,
  ],
  'ours, the encoder alone': [bare(), 'dar-depth', false],
  'ours, a whole model': [ours, 'dar-depth', true],
}

describe('a pretrained file', () => {
  let folder = ''
  let engine: Engine
  beforeAll(async () => {
    folder = await temporaryFolder()
    engine = new Engine({ threads: 1 })
  })
  afterAll(async () => {
    await engine.dispose()
  })

  /** Writes a file, opens it for a model, and reads all that the model takes. */
  async function load(
    tensors: Tensors,
    into: DarConfig = config,
    options: Partial<Parameters<typeof openPretrained>[1]> = {},
  ) {
    const path = await writeTensors(join(folder, 'weights.safetensors'), tensors)
    await using file = await openPretrained(path, {
      config: into,
      targets: targetsOf(into),
      source: 'w.safetensors',
      ...options,
    })
    const values = new Map<string, Float32Array>()
    for (const name of file.plan.origins.keys()) values.set(name, await file.read(name))
    return { values, report: reportOf(file.plan), plan: file.plan }
  }
  const refusal = async (tensors: Tensors, into?: DarConfig, options = {}) => {
    const error = await load(tensors, into, options).then(
      () => null,
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(DarError)
    return (error as DarError).message
  }
  /** The four taps of an image of 3×5 patches: another grid than the stored one. */
  async function taps(values: ReadonlyMap<string, Float32Array>, into: DarConfig = config) {
    const graph = new Graph()
    const { trace } = buildDar(graph.input('image', [1, 3, 12, 20]), into)
    const outputs = Object.fromEntries([...trace].filter(([name]) => /^encoder\.tap/.test(name)))
    return evaluate(engine, outputs, { image: numbers(3 * 12 * 20), ...Object.fromEntries(values) })
  }
  const changed = (
    change: (file: Map<string, { shape: readonly number[]; values: Float32Array<ArrayBuffer> }>) => void,
  ) => {
    const file = asDinov2(ours, { depth })
    change(file)
    return file
  }

  describe.each(Object.entries(FILES))('under the names of %s', (_, [tensors, scheme, neck]) => {
    it('gives the same values for every parameter that it has', async () => {
      const { values, report } = await load(tensors)
      const wanted = [...only('encoder.').keys(), ...(neck ? only('neck.').keys() : [])]
      const loaded = [...values.keys()].filter((name) => !name.startsWith('neck.memory'))
      expect(loaded.sort()).toEqual(wanted.filter((name) => !name.startsWith('neck.memory')).sort())
      for (const [name, data] of values) expect(data, name).toEqual(ours.get(name)?.values)
      expect(report.scheme).toBe(scheme)
    })

    it('gives the same features, bit for bit', async () => {
      const { values } = await load(tensors, config, { parts: ['encoder'] })
      const reference = new Map([...only('encoder.')].map(([name, tensor]) => [name, tensor.values]))
      const [actual, expected] = [await taps(values), await taps(reference)]
      expect(Object.keys(actual)).toHaveLength(4)
      expect(actual).toEqual(expected)
      expect(Math.max(...actual['encoder.tap3'].map(Math.abs))).toBeGreaterThan(0.1)
    })
  })

  it('reports every tensor of the file and every parameter of the model', async () => {
    const file = asDepthAnything(ours, { depth }).set('depth_head.strange', { shape: [1], values: Float32Array.of(1) })
    const { report, plan } = await load(file)
    expect(report.parts).toEqual([
      { part: 'encoder', loaded: only('encoder.').size, left: 0 },
      { part: 'neck', loaded: only('neck.').size - 4, left: 4 },
    ])
    expect(report.left.map(({ name }) => name).sort()).toEqual(
      ['conv', 'norm'].flatMap((layer) => [`neck.memory.${layer}.bias`, `neck.memory.${layer}.weight`]),
    )
    const reasons = new Map(report.skipped.map(({ tensor, reason }) => [tensor, reason]))
    expect(reasons.get('pretrained.mask_token')).toMatch(/training only/)
    expect(reasons.get('depth_head.scratch.refinenet4.resConfUnit1.conv2.bias')).toMatch(/coarsest level/)
    expect(reasons.get('depth_head.scratch.output_conv2.2.weight')).toBe('the model has no such part')
    expect(reasons.get('depth_head.strange')).toBe('no part that is known of Depth Anything files')
    const used = [...plan.origins.values()].flatMap(({ from }) => from)
    expect([...used, ...reasons.keys()].sort()).toEqual([...file.keys()].sort())
  })

  it('loads the parts that are asked for', async () => {
    const { values, report } = await load(asDepthAnything(ours, { depth }), config, { parts: ['encoder'] })
    expect([...values.keys()].every((name) => name.startsWith('encoder.'))).toBe(true)
    expect(report.parts.map(({ part }) => part)).toEqual(['encoder'])
    expect(report.skipped.find(({ tensor }) => tensor === 'depth_head.projects.0.bias')?.reason).toBe(
      'not asked for (encoder)',
    )
  })

  it('widens half precision', async () => {
    const { writeWeights } = await import('../runtime/weights.ts')
    const path = join(folder, 'half.safetensors')
    const named = [...asDinov2(ours, { depth })].map(([name, tensor]) => ({ name, ...tensor }))
    await writeWeights(path, named, {}, { dtype: 'F16' })
    await using file = await openPretrained(path, { config, targets })
    const exact = ours.get('encoder.norm.weight')!.values
    const read = await file.read('encoder.norm.weight')
    read.forEach((value, i) => {
      expect(Math.abs(value / exact[i] - 1)).toBeLessThan(2 ** -11)
    })
  })

  describe('of another position grid', () => {
    it('is resized once to what the graph would resize at every run, its class position kept', async () => {
      const wide = tinyDino({ posGrid: [3, 5] })
      const { values, report } = await load(asDinov2(ours, { depth }), wide)
      expect(report.resized).toEqual([{ name: 'encoder.pos_embed', from: '3×3', to: '3×5' }])
      const table = values.get('encoder.pos_embed')!
      expect(table).toHaveLength(16 * 12)
      expect(table.slice(0, 12)).toEqual(ours.get('encoder.pos_embed')?.values.slice(0, 12))
      const original = new Map([...only('encoder.')].map(([name, tensor]) => [name, tensor.values]))
      const [once, always] = [await taps(values, wide), await taps(original)]
      for (const [name, tap] of Object.entries(once))
        tap.forEach((value, i) => {
          expect(Math.abs(value - always[name][i]), name).toBeLessThan(1e-5)
        })
    })

    it('may lack a class position, as timm’s no_embed_class: there is none to add', async () => {
      const { shape, values } = ours.get('encoder.pos_embed')!
      const file = changed((all) => all.set('pos_embed', { shape: [1, 9, 12], values: values.slice(12) }))
      const table = (await load(file)).values.get('encoder.pos_embed')!
      expect(table).toHaveLength(shape[1] * 12)
      expect(table.slice(0, 12)).toEqual(new Float32Array(12))
      expect(table.slice(12)).toEqual(values.slice(12))
    })

    it('is refused when it is no grid', async () => {
      const file = changed((all) => all.set('pos_embed', { shape: [1, 8, 12], values: new Float32Array(96) }))
      expect(await refusal(file)).toMatch(
        /^w\.safetensors: tensor pos_embed is \[1,8,12\], which is no square grid .* encoder\.pos_embed is \[1,10,12\]/,
      )
    })

    it('of ours is the grid that the file says, square or not', async () => {
      const wide = tinyDino({ posGrid: [2, 8] }) // 16 = 4×4 too
      const whole = randomTensors(targetsOf(wide))
      const path = await writeTensors(join(folder, 'wide.safetensors'), whole, { config: configText(wide) })
      await using file = await openPretrained(path, { config: wide, targets: targetsOf(wide) })
      expect(file.plan.origins.get('encoder.pos_embed')?.kind).toBe('copy')
    })
  })

  describe('is refused', () => {
    it('when its encoder is of another width, naming the tensor, both shapes and both encoders', async () => {
      const message = await refusal(asDinov2(ours, { depth }), tinyDino({ encoderWidth: 16 }))
      expect(message).toBe(
        "w.safetensors: tensor patch_embed.proj.weight is [12,3,4,4], the model's encoder.patch_embed.weight is " +
          "[16,3,4,4]; the model's encoder is a ViT of 4 blocks, 16 wide, with patches of 4, the file's is a ViT of 4 blocks, 12 wide; use a config that fits " +
          'these weights',
      )
    })

    it('when it has more or fewer blocks', async () => {
      const more = tinyDino({ encoderDepth: 6 })
      const deep = asDinov2(randomTensors(targetsOf(more)), { depth: 6 })
      expect(await refusal(deep)).toMatch(/tensor blocks\.4\.\S+ has no place .*of 4 blocks.* of 6 blocks/)
      expect(await refusal(asDinov2(ours, { depth }), more)).toMatch(/has no tensor for encoder\.blocks\.4\./)
    })

    it.each([
      [
        'a third of a fused weight is missing',
        'value',
        /the value of the model's encoder\.blocks\.2\.attn\.qkv\.weight is missing/,
      ],
      [
        'queries',
        'query',
        /the query of the model's encoder\.blocks\.2\.attn\.qkv\.weight is missing beside encoder\.layer\.2\.attention\.attention\.key\.weight/,
      ],
    ])('when %s are missing', async (_, which, message) => {
      const file = asDinov2Model(ours, { depth })
      file.delete(`encoder.layer.2.attention.attention.${which}.weight`)
      expect(await refusal(file)).toMatch(message)
    })

    it('when keys have another shape than the rest', async () => {
      const file = asDinov2Model(ours, { depth })
      file.set('encoder.layer.1.attention.attention.key.bias', { shape: [6], values: new Float32Array(6) })
      expect(await refusal(file)).toMatch(
        /tensor encoder\.layer\.1\.attention\.attention\.key\.bias is \[6\], its third of the model's encoder\.blocks\.1\.attn\.qkv\.bias \[36\] is \[12\]/,
      )
    })

    it.each([
      ['register tokens', 'register_tokens', /register_tokens: register tokens take part in every attention/],
      ['timm’s register tokens', 'reg_token', /reg_token: register tokens/],
      ['a distillation token', 'dist_token', /dist_token: a distillation token/],
      ['a SwiGLU', 'blocks.0.mlp.w12.weight', /w12\.weight: its MLP is a SwiGLU/],
      [
        'normed queries',
        'blocks.1.attn.q_norm.weight',
        /q_norm\.weight is part of a block, and this encoder's .* nothing like it/,
      ],
    ])('when it has %s', async (_, name, message) => {
      const file = changed((all) => all.set(name, { shape: [1, 4, 12], values: new Float32Array(48) }))
      expect(await refusal(file)).toMatch(message)
    })

    it('when a part of its encoder is missing', async () => {
      expect(await refusal(changed((all) => all.delete('norm.bias')))).toBe(
        'w.safetensors has no tensor for encoder.norm.bias: a part of the encoder is missing; use a whole file',
      )
    })

    it('when it is of another kind of encoder, or of none', async () => {
      const mobile = tinyDino({ encoder: 'mobilenetv2', encoderMultiplier: 0.25 })
      const targets = new Map([['encoder.features.0.0.weight', [8, 3, 3, 3]]])
      expect(await refusal(asDinov2(ours, { depth }), mobile, { targets })).toMatch(
        /has no place in the model: the model's encoder is mobilenetv2, the file's is a ViT of 4 blocks, 12 wide/,
      )
      const other = new Map([['conv1.weight', { shape: [1], values: Float32Array.of(1) }]])
      expect(await refusal(other)).toMatch(
        /w\.safetensors has no tensor that this model has: .* the first are conv1\.weight/,
      )
    })

    it('when its neck is of another size, unless only the encoder is asked for', async () => {
      const narrow = tinyDino({ neckFeatures: 4 })
      const file = asDepthAnythingModel(ours, { depth })
      expect(await refusal(file, narrow)).toMatch(
        /neck\.convs\.0\.weight is \[8,4,3,3\], .* is \[4,4,3,3\]; .*load the encoder alone/,
      )
      expect((await load(file, narrow, { parts: ['encoder'] })).report.parts).toHaveLength(1)
    })

    it('when its neck mixes in the class token, unless only the encoder is asked for', async () => {
      const file = asDepthAnything(ours, { depth })
      file.set('depth_head.readout_projects.0.0.weight', { shape: [1], values: Float32Array.of(1) })
      expect(await refusal(file)).toMatch(/readout_projects\.0\.0\.weight: its neck mixes the class token/)
      expect((await load(file, config, { parts: ['encoder'] })).report.parts).toHaveLength(1)
    })

    it('when values are not finite', async () => {
      const file = changed((all) => {
        all.set('norm.weight', { shape: [12], values: new Float32Array(12).fill(Number.NaN) })
      })
      expect(await refusal(file)).toBe(
        'w.safetensors: tensor norm.weight holds values that are not finite; use an undamaged file',
      )
    })

    it('when two tensors are the same parameter', async () => {
      const file = changed((all) => all.set('blocks.0.0.norm1.bias', { shape: [12], values: new Float32Array(12) }))
      expect(await refusal(file)).toMatch(/tensors \S+ and \S+ are both encoder\.blocks\.0\.norm1\.bias; keep one/)
    })

    it('when it is a pickle, with the command that converts it', async () => {
      const open = openPretrained('depth_anything_v2_vits.pth', { config, targets })
      await expect(open).rejects.toThrow(/is a PyTorch pickle.*save_file/)
    })
  })

  it('without layer scales is the same ViT with scales of 1, and says so', async () => {
    const file = changed((all) => {
      for (const name of [...all.keys()]) if (name.endsWith('gamma')) all.delete(name)
    })
    const { report } = await load(file)
    const left = report.left.filter(({ name }) => name.startsWith('encoder.'))
    expect(left).toHaveLength(2 * depth)
    expect(left[0].reason).toBe('not in the file: no layer scale is a scale of 1')
  })

  it('with layer scales needs a model that has them', async () => {
    expect(await refusal(asDinov2(ours, { depth }), tinyDino({ layerScale: false }))).toMatch(
      /tensor blocks\.\d\.ls1\.gamma is a layer scale; set layerScale of the model's config to true/,
    )
  })
})
