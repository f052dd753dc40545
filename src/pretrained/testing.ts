/**
 * For tests only: a tiny model's random weights, written under the names of every public scheme. The names here are lists
 * copied from what the public files hold, not the inverse of the rules under test.
 */
import { TINY_VIT } from '../../test/tiny-config.ts'
import { Graph } from '../graph/index.ts'
import { buildDar, type DarConfig, imageMultiple, parseConfig } from '../model/index.ts'
import { writeWeights } from '../runtime/weights.ts'
import { Random } from '../support/random.ts'

/** Fields of a model like DINOv2's, small. */
export const TINY_DINO = { ...TINY_VIT, encoderWidth: 12, patch: 4, posGrid: [3, 3] } as const

export const tinyDino = (fields: Readonly<Record<string, unknown>> = {}): DarConfig =>
  parseConfig({ ...TINY_DINO, ...fields })

/** Every parameter of a config's model, and its shape. */
export function targetsOf(config: DarConfig): Map<string, readonly number[]> {
  const graph = new Graph()
  const side = 4 * imageMultiple(config)
  buildDar(graph.input('image', [1, 3, side, side]), config)
  return new Map([...graph.parameters].map(([name, { shape }]) => [name, shape]))
}

export interface Named {
  readonly shape: readonly number[]
  readonly values: Float32Array<ArrayBuffer>
}
export type Tensors = ReadonlyMap<string, Named>

/** Random values of every parameter, none of them what it would start as. */
export function randomTensors(targets: ReadonlyMap<string, readonly number[]>, seed = 1): Map<string, Named> {
  const random = new Random(seed)
  return new Map(
    [...targets].map(([name, shape]) => {
      const size = shape.reduce((product, n) => product * n, 1)
      return [name, { shape, values: Float32Array.from({ length: size }, () => random.normal(0, 0.3)) }]
    }),
  )
}

const kinds = ['weight', 'bias']

/** [ours, DINOv2 and timm, Hugging Face]; queries, keys and values are apart in the last and not in this list. */
function vitNames(depth: number): [string, string, string][] {
  const names: [string, string, string][] = [
    ['cls_token', 'cls_token', 'embeddings.cls_token'],
    ['pos_embed', 'pos_embed', 'embeddings.position_embeddings'],
    ...kinds.map((kind): [string, string, string] => [
      `patch_embed.${kind}`,
      `patch_embed.proj.${kind}`,
      `embeddings.patch_embeddings.projection.${kind}`,
    ]),
    ...kinds.map((kind): [string, string, string] => [`norm.${kind}`, `norm.${kind}`, `layernorm.${kind}`]),
  ]
  for (let n = 0; n < depth; n++) {
    const block = `blocks.${n}`
    const layer = `encoder.layer.${n}`
    names.push([`${block}.ls1.gamma`, `${block}.ls1.gamma`, `${layer}.layer_scale1.lambda1`])
    names.push([`${block}.ls2.gamma`, `${block}.ls2.gamma`, `${layer}.layer_scale2.lambda1`])
    for (const kind of kinds) {
      for (const part of ['norm1', 'norm2', 'mlp.fc1', 'mlp.fc2'])
        names.push([`${block}.${part}.${kind}`, `${block}.${part}.${kind}`, `${layer}.${part}.${kind}`])
      names.push([
        `${block}.attn.proj.${kind}`,
        `${block}.attn.proj.${kind}`,
        `${layer}.attention.output.dense.${kind}`,
      ])
    }
  }
  return names
}

/** [ours, Depth Anything's own, Hugging Face] of neck and head. */
function dptNames(): [string, string, string][] {
  const names: [string, string, string][] = []
  for (let i = 0; i < 4; i++) {
    const ours = `neck.refine${i + 1}`
    const original = `depth_head.scratch.refinenet${i + 1}`
    const layer = `neck.fusion_stage.layers.${3 - i}`
    for (const kind of kinds) {
      names.push([
        `neck.projects.${i}.${kind}`,
        `depth_head.projects.${i}.${kind}`,
        `neck.reassemble_stage.layers.${i}.projection.${kind}`,
      ])
      if (i !== 2)
        names.push([
          `neck.resize.${i}.${kind}`,
          `depth_head.resize_layers.${i}.${kind}`,
          `neck.reassemble_stage.layers.${i}.resize.${kind}`,
        ])
      names.push([`${ours}.out.${kind}`, `${original}.out_conv.${kind}`, `${layer}.projection.${kind}`])
      for (const [unit, conv] of [
        [1, 1],
        [1, 2],
        [2, 1],
        [2, 2],
      ])
        names.push([
          `${ours}.unit${unit}.conv${conv}.${kind}`,
          `${original}.resConfUnit${unit}.conv${conv}.${kind}`,
          `${layer}.residual_layer${unit}.convolution${conv}.${kind}`,
        ])
    }
    names.push([`neck.reduce.${i}.weight`, `depth_head.scratch.layer${i + 1}_rn.weight`, `neck.convs.${i}.weight`])
  }
  for (const kind of kinds) {
    names.push([`head.conv1.${kind}`, `depth_head.scratch.output_conv1.${kind}`, `head.conv1.${kind}`])
    names.push([`head.conv2.${kind}`, `depth_head.scratch.output_conv2.0.${kind}`, `head.conv2.${kind}`])
    names.push([`head.conv3.${kind}`, `depth_head.scratch.output_conv2.2.${kind}`, `head.conv3.${kind}`])
  }
  return names
}

/** A third of a fused tensor's rows. */
function third({ shape, values }: Named, part: number): Named {
  const length = values.length / 3
  return {
    shape: [shape[0] / 3, ...shape.slice(1)],
    values: values.slice(part * length, (part + 1) * length),
  }
}

const ones = (...shape: number[]): Named => ({
  shape,
  values: new Float32Array(shape.reduce((product, n) => product * n, 1)).fill(1),
})

/** A model's tensors under DINOv2's names; `chunk`: blocks to a chunk of an FSDP checkpoint. */
export function asDinov2(ours: Tensors, { depth, chunk }: { depth: number; chunk?: number }): Map<string, Named> {
  const file = new Map<string, Named>([['mask_token', ones(1, 12)]])
  const put = (name: string, tensor: Named) =>
    file.set(
      chunk === undefined ? name : name.replace(/^blocks\.(\d+)/, (_, n) => `blocks.${Math.floor(n / chunk)}.${n}`),
      tensor,
    )
  for (const [our, name] of vitNames(depth)) put(name, get(ours, `encoder.${our}`))
  for (let n = 0; n < depth; n++)
    for (const kind of kinds) put(`blocks.${n}.attn.qkv.${kind}`, get(ours, `encoder.blocks.${n}.attn.qkv.${kind}`))
  return file
}

/** timm: no mask token, a classifier behind. */
export function asTimm(ours: Tensors, { depth }: { depth: number }): Map<string, Named> {
  const file = asDinov2(ours, { depth })
  file.delete('mask_token')
  return file.set('head.weight', ones(10, 12)).set('head.bias', ones(10))
}

export function asDinov2Model(ours: Tensors, { depth }: { depth: number }): Map<string, Named> {
  const file = new Map<string, Named>([['embeddings.mask_token', ones(1, 12)]])
  for (const [our, , name] of vitNames(depth)) file.set(name, get(ours, `encoder.${our}`))
  for (let n = 0; n < depth; n++)
    for (const kind of kinds)
      for (const [part, which] of ['query', 'key', 'value'].entries())
        file.set(
          `encoder.layer.${n}.attention.attention.${which}.${kind}`,
          third(get(ours, `encoder.blocks.${n}.attn.qkv.${kind}`), part),
        )
  return file
}

/** Depth Anything's own names; what the model lacks (a head, the coarsest unit1) is filled with ones. */
export function asDepthAnything(ours: Tensors, { depth }: { depth: number }): Map<string, Named> {
  const file = prefixed(asDinov2(ours, { depth }), 'pretrained.')
  for (const [our, name] of dptNames()) file.set(name, ours.get(our) ?? ones(1))
  return file
}

export function asDepthAnythingModel(ours: Tensors, { depth }: { depth: number }): Map<string, Named> {
  const file = prefixed(asDinov2Model(ours, { depth }), 'backbone.')
  for (const [our, , name] of dptNames()) file.set(name, ours.get(our) ?? ones(1))
  return file
}

export function prefixed(tensors: Tensors, prefix: string): Map<string, Named> {
  return new Map([...tensors].map(([name, tensor]) => [prefix + name, tensor]))
}

function get(tensors: Tensors, name: string): Named {
  const tensor = tensors.get(name)
  if (!tensor) throw new Error(`the tiny model has no ${name}`)
  return tensor
}

export async function writeTensors(
  path: string,
  tensors: Tensors,
  metadata: Readonly<Record<string, string>> = {},
): Promise<string> {
  await writeWeights(
    path,
    [...tensors].map(([name, { shape, values }]) => ({ name, shape, values })),
    metadata,
  )
  return path
}
