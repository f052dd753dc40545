/**
 * Decides from names and shapes alone which tensors of a pretrained file become which parameters of a model. Every
 * tensor of the file is used, or skipped with a reason. Every requested parameter is taken from the file, or reported
 * as missing. A certain mismatch (other widths, missing or unknown parts of a block) is an error, because a wrong
 * encoder still gives numbers, only worse ones.
 */
import type { Size } from '../graph/index.ts'
import type { DarConfig } from '../model/index.ts'
import type { SafetensorsHeader } from '../safetensors/index.ts'
import { DarError } from '../support/errors.ts'
import type { Rename, Renamed } from './names.ts'
import { encoderAdvice, type FileFacts, type Found, type Origin, originOf } from './origin.ts'
import { namingOf, SCHEMES, type Scheme } from './scheme.ts'

/** Parts of a model that a pretrained file may have. */
export const PARTS = ['encoder', 'neck', 'head'] as const
export type Part = (typeof PARTS)[number]

export interface PretrainedPlan {
  /** The file, for messages. */
  readonly source: string
  readonly scheme: Scheme
  /** The parts that were requested. */
  readonly parts: readonly Part[]
  /** For each parameter that the file has: how it is made, by the parameter's name. */
  readonly origins: ReadonlyMap<string, Origin>
  /** Tensors of the file that are not used. */
  readonly skipped: readonly { readonly tensor: string; readonly reason: string }[]
  /** Parameters of `parts` that the file does not have. */
  readonly left: readonly { readonly name: string; readonly reason: string }[]
  /** What the file does not say and the config decides, for a person to check; null: nothing. */
  readonly assumed: string | null
}

export interface PlanOptions {
  /** Names the file in messages. */
  readonly source: string
  readonly config: DarConfig
  /** Every parameter of the model, and its shape. */
  readonly targets: ReadonlyMap<string, readonly number[]>
  /** What to load where the file has it; default: all. */
  readonly parts?: readonly Part[]
}

/**
 * Plans loading a file with this header. Throws a DarError, naming file and tensor, when the names are of no known scheme, a
 * shape is another than the model's, a part of the encoder is missing, or the file's encoder computes what this one cannot.
 */
export function planPretrained(
  header: Pick<SafetensorsHeader, 'tensors' | 'metadata'>,
  { source, config, targets, parts = PARTS }: PlanOptions,
): PretrainedPlan {
  const { scheme, rename } = namingOf(header.tensors.keys(), source)
  const facts = factsOf(header, rename, source)
  // Our own encoder files without a config are of the model's own grid, which need not be square.
  const own = scheme === 'dar' && config.encoder.kind === 'vit' ? config.encoder.posGrid : null
  const file = { ...facts, grid: facts.grid ?? own }
  const skipped: { tensor: string; reason: string }[] = []
  const found = new Map<string, Found>()

  for (const tensor of header.tensors.keys()) {
    const renamed = rename(tensor)
    const reason = reasonToSkip(tensor, renamed, { scheme, parts, targets, config, file })
    if (reason !== null) skipped.push({ tensor, reason })
    else if (renamed?.kind === 'parameter')
      found.set(renamed.name, joined(found.get(renamed.name), renamed, tensor, file))
  }
  if (found.size === 0)
    throw new DarError(
      `${source} has no tensor that this model has (its names are ${SCHEMES[scheme]}'s); is it the right file?`,
      { kind: 'model' },
    )

  const origins = new Map<string, Origin>()
  for (const [name, shape] of targets) {
    const made = found.get(name)
    if (made) origins.set(name, originOf({ name, shape }, made, config, file))
  }
  const left = leftOf(source, targets, parts, origins)
  return { source, scheme, parts, origins, skipped, left, assumed: assumedOf(origins, scheme, config) }
}

/**
 * Depth Anything's tensors have the same names in V1 and V2, and in relative and metric files. The wrong choice still
 * gives numbers, so the report says which one was made.
 */
function assumedOf(origins: PretrainedPlan['origins'], scheme: Scheme, config: DarConfig): string | null {
  const isDepthAnything = scheme === 'depth-anything' || scheme === 'hf-depth-anything'
  if (!isDepthAnything || ![...origins.keys()].some((name) => name.startsWith('neck.'))) return null
  const { encoder, head, dMax } = config
  const taps = encoder.kind === 'vit' ? encoder.taps : null
  const blocks = taps
    ? `blocks ${taps.join(', ')} tapped (V1 taps the last four)`
    : 'blocks spread over the depth tapped (V2)'
  if (head.kind !== 'dpt') return blocks
  return `${blocks}, ${head.output === 'metric' ? `metres up to ${dMax}` : 'relative inverse depth'}`
}

function factsOf(
  { tensors, metadata }: Pick<SafetensorsHeader, 'tensors' | 'metadata'>,
  rename: Rename,
  source: string,
): FileFacts {
  let width: number | null = null
  let depth = 0
  for (const [tensor, { shape }] of tensors) {
    const renamed = rename(tensor)
    if (renamed?.kind !== 'parameter') continue
    if (renamed.name === 'encoder.cls_token') width = shape.at(-1) ?? null
    const block = /^encoder\.blocks\.(\d+)\./.exec(renamed.name)
    if (block) depth = Math.max(depth, Number(block[1]) + 1)
  }
  return { source, shapeOf: (tensor) => tensors.get(tensor)?.shape ?? [], grid: statedGrid(metadata), width, depth }
}

/** The position grid in the config of one of our model files. Other files do not store it. */
function statedGrid({ config }: Readonly<Record<string, string>>): Size | null {
  const pattern = /"posGrid":\[(\d+),(\d+)\]/.exec(config ?? '')
  return pattern ? [Number(pattern[1]), Number(pattern[2])] : null
}

/** null for a tensor that the model takes; a DarError for one that it cannot work without. */
function reasonToSkip(
  tensor: string,
  renamed: Renamed | null,
  {
    scheme,
    parts,
    targets,
    config,
    file,
  }: Required<Pick<PlanOptions, 'parts' | 'targets' | 'config'>> & {
    readonly scheme: Scheme
    readonly file: FileFacts
  },
): string | null {
  if (renamed === null) {
    if (/(?:^|\.)(?:blocks|encoder\.layer)\.\d+\./.test(tensor))
      throw new DarError(
        `${file.source}: tensor ${tensor} is part of a block, and this encoder's blocks have nothing like it: its features ` +
          'would be others; use a DINOv2-style ViT',
      )
    return `no part that is known of ${SCHEMES[scheme]} files`
  }
  if (renamed.kind === 'skip') return renamed.reason
  if (renamed.kind === 'refuse') {
    const isNeck = /(?:^|\.)(?:neck|depth_head)\./.test(tensor)
    if (isNeck && !parts.includes('neck')) return notAsked(parts)
    throw new DarError(`${file.source}: tensor ${tensor}: ${renamed.reason}`)
  }
  const { name } = renamed
  if (!parts.some((part) => name.startsWith(`${part}.`))) return notAsked(parts)
  if (targets.has(name)) return null
  if (/^encoder\.blocks\.\d+\.ls[12]\.gamma$/.test(name) && config.encoder.kind === 'vit' && !config.encoder.layerScale)
    throw new DarError(
      `${file.source}: tensor ${tensor} is a layer scale; set layerScale of the model's config to true`,
    )
  if (/^encoder\.(?:blocks|patch_embed|cls_token)\b/.test(name))
    throw new DarError(`${file.source}: tensor ${tensor} has no place in the model: ${encoderAdvice(config, file)}`)
  return 'the model has no such part'
}

const notAsked = (parts: readonly Part[]) => `not asked for (${parts.join(', ')})`

function joined(
  before: Found | undefined,
  { name, part }: Extract<Renamed, { kind: 'parameter' }>,
  tensor: string,
  { source }: FileFacts,
): Found {
  const parts = before && 'parts' in before ? [...before.parts] : []
  const other = before && 'whole' in before ? before.whole : part === undefined ? parts.find(Boolean) : parts[part]
  if (other !== undefined)
    throw new DarError(`${source}: tensors ${other} and ${tensor} are both ${name}; keep one of them`)
  if (part === undefined) return { whole: tensor }
  parts[part] = tensor
  return { parts }
}

/**
 * Parameters that the file does not have. A ViT without layer scales and qkv biases is the same network with scale 1
 * and bias 0, which are their initial values. Any other parameter of an encoder must be there.
 */
function leftOf(
  source: string,
  targets: PlanOptions['targets'],
  parts: readonly Part[],
  origins: PretrainedPlan['origins'],
): PretrainedPlan['left'] {
  const left: { name: string; reason: string }[] = []
  const hasEncoder = [...origins.keys()].some((name) => name.startsWith('encoder.'))
  for (const name of targets.keys()) {
    const part = parts.find((one) => name.startsWith(`${one}.`))
    if (part === undefined || origins.has(name)) continue
    if (part !== 'encoder' || !hasEncoder) left.push({ name, reason: 'not in the file' })
    else if (/\.ls[12]\.gamma$/.test(name))
      left.push({ name, reason: 'not in the file: no layer scale is a scale of 1' })
    else if (/\.attn\.qkv\.bias$/.test(name)) left.push({ name, reason: 'not in the file: no bias is a bias of 0' })
    else throw new DarError(`${source} has no tensor for ${name}: a part of the encoder is missing; use a whole file`)
  }
  return left
}
