/**
 * How one parameter is made from tensors of a file: copied, joined from separate queries, keys and values, or resized.
 * The shapes are checked here, so reading cannot fail because of them.
 */
import type { Size } from '../graph/index.ts'
import type { DarConfig } from '../model/index.ts'
import { DarError } from '../support/errors.ts'
import { FUSED_PARTS } from './names.ts'
import { type PositionTable, positionTable } from './position-grid.ts'

export type Origin =
  | { readonly kind: 'copy'; readonly from: readonly [string] }
  /** Rows of q, then k, then v (algorithm section 13). */
  | { readonly kind: 'fuse'; readonly from: readonly string[] }
  | { readonly kind: 'resize'; readonly from: readonly [string]; readonly table: PositionTable; readonly to: Size }

/** The tensors that make up one parameter: one for the whole, or one for each part. */
export type Found = { readonly whole: string } | { readonly parts: readonly (string | undefined)[] }

export interface Target {
  readonly name: string
  readonly shape: readonly number[]
}

export interface FileFacts {
  /** Names the file in messages. */
  readonly source: string
  readonly shapeOf: (tensor: string) => readonly number[]
  /** The grid of its position table, where the file states it. */
  readonly grid: Size | null
  /** The encoder's, null if the file has none. */
  readonly width: number | null
  readonly depth: number
}

/** What to do about a file whose encoder differs from the model's. */
export function encoderAdvice(config: DarConfig, { width, depth }: FileFacts): string {
  const { encoder } = config
  const wanted =
    encoder.kind === 'vit'
      ? `a ViT of ${encoder.depth} blocks, ${encoder.width} wide, with patches of ${encoder.patch}`
      : encoder.kind
  const has = width === null ? 'another' : `a ViT of ${depth} blocks, ${width} wide`
  return `the model's encoder is ${wanted}, the file's is ${has}; use a config that fits these weights`
}

/** Throws a DarError that names the tensor and both shapes when they do not go together. */
export function originOf(target: Target, found: Found, config: DarConfig, file: FileFacts): Origin {
  const refused = (tensor: string, wanted: string) => {
    const remedy = target.name.startsWith('encoder.')
      ? encoderAdvice(config, file)
      : "use a config whose neck and head are the file's, or load the encoder alone"
    return new DarError(`${file.source}: tensor ${tensor} is [${file.shapeOf(tensor)}], ${wanted}; ${remedy}`)
  }
  if ('parts' in found) return fusedOrigin(target, found.parts, file, refused)
  const tensor = found.whole
  const shape = file.shapeOf(tensor)
  const wanted = `the model's ${target.name} is [${target.shape}]`
  const { encoder } = config
  if (
    encoder.kind === 'vit' &&
    target.name === 'encoder.pos_embed' &&
    shape.length === 3 &&
    shape[2] === target.shape[2]
  ) {
    const table = positionTable(shape[1], { stated: file.grid, assumed: encoder.posGrid })
    if (!table) throw refused(tensor, `which is no square grid with a class token; ${wanted}`)
    const same = table.classRows === 1 && table.grid.join() === encoder.posGrid.join()
    return same ? { kind: 'copy', from: [tensor] } : { kind: 'resize', from: [tensor], table, to: encoder.posGrid }
  }
  if (shape.join() !== target.shape.join()) throw refused(tensor, wanted)
  return { kind: 'copy', from: [tensor] }
}

function fusedOrigin(
  { name, shape }: Target,
  parts: readonly (string | undefined)[],
  file: FileFacts,
  refused: (tensor: string, wanted: string) => DarError,
): Origin {
  const part = [shape[0] / FUSED_PARTS, ...shape.slice(1)]
  const from = Array.from({ length: FUSED_PARTS }, (_, i) => {
    const tensor = parts[i]
    if (tensor === undefined)
      throw new DarError(
        `${file.source}: the ${['query', 'key', 'value'][i]} of the model's ${name} is missing beside ` +
          `${parts.find((one) => one !== undefined)}; download or export the file again`,
      )
    if (file.shapeOf(tensor).join() !== part.join())
      throw refused(tensor, `its third of the model's ${name} [${shape}] is [${part}]`)
    return tensor
  })
  return { kind: 'fuse', from }
}
