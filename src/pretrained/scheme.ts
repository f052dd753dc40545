/**
 * Finds the naming scheme of a weights file from the tensor names. Public files are renamed, wrapped and re-uploaded,
 * so neither the file name nor the metadata is reliable. The attention of the first block tells the schemes apart.
 */
import { DarError } from '../support/errors.ts'
import { renameDepthAnything } from './depth-anything-names.ts'
import { renameDepthAnythingModel, renameDinov2Model } from './hugging-face-names.ts'
import { parameter, type Rename } from './names.ts'
import { renameViT } from './vit-names.ts'

/** Naming schemes, and what they are called in a report. */
export const SCHEMES = {
  dar: 'dar-depth',
  dinov2: 'DINOv2',
  timm: 'timm',
  'depth-anything': 'Depth Anything',
  'hf-dinov2': 'Hugging Face Dinov2Model',
  'hf-depth-anything': 'Hugging Face DepthAnythingForDepthEstimation',
} as const

export type Scheme = keyof typeof SCHEMES

export interface Naming {
  readonly scheme: Scheme
  /** For names as they are in the file. */
  readonly rename: Rename
}

/** Throws a DarError that shows some of the names when they are of no known scheme. */
export function namingOf(names: Iterable<string>, source: string): Naming {
  const all = [...names]
  const has = (name: string) => all.includes(name)
  const first = ['patch_embed.weight', 'patch_embed.0.weight', 'features.0.0.weight']
  if (first.some((name) => has(`encoder.${name}`))) return { scheme: 'dar', rename: parameter }
  if (first.some(has)) return { scheme: 'dar', rename: (name) => parameter(`encoder.${name}`) }

  const huggingFace = prefixOf(all, /^(.*?)encoder\.layer\.0\.attention\.attention\.query\.weight$/)
  if (huggingFace !== null) {
    const whole = huggingFace.endsWith('backbone.') && all.some((name) => name.includes('neck.fusion_stage.'))
    if (whole)
      return {
        scheme: 'hf-depth-anything',
        rename: without(huggingFace.slice(0, -'backbone.'.length), renameDepthAnythingModel),
      }
    return { scheme: 'hf-dinov2', rename: without(huggingFace, renameDinov2Model) }
  }

  const vit = prefixOf(all, /^(.*?)blocks\.0\.(?:0\.)?attn\.qkv\.weight$/)
  if (vit?.endsWith('pretrained.'))
    return { scheme: 'depth-anything', rename: without(vit.slice(0, -'pretrained.'.length), renameDepthAnything) }
  // The same names, except for what DINOv2 uses only in training or names differently.
  const isDinov2 = has(`${vit}mask_token`) || has(`${vit}register_tokens`)
  if (vit !== null) return { scheme: isDinov2 ? 'dinov2' : 'timm', rename: without(vit, renameViT) }

  const seen = all.slice(0, 3).join(', ') || 'none at all'
  throw new DarError(
    `${source} has no tensor that this model has: its names are of no scheme that is known ` +
      `(${Object.values(SCHEMES).join(', ')}); the first are ${seen}`,
    { kind: 'model' },
  )
}

function prefixOf(names: readonly string[], pattern: RegExp): string | null {
  for (const name of names) {
    const match = pattern.exec(name)
    if (match) return match[1]
  }
  return null
}

/** Names outside the prefix are unknown. */
function without(prefix: string, rename: Rename): Rename {
  return (name) => (name.startsWith(prefix) ? rename(name.slice(prefix.length)) : null)
}
