/** A depth map into one file, whose extension says as what. */
import { stat } from 'node:fs/promises'
import { dirname, extname } from 'node:path'
import type { ColourScale } from '../image/colormap.ts'
import { DarError } from '../support/errors.ts'
import { writeFileAtomically } from '../support/files.ts'
import { type ColourPicture, encodeColours } from './colour-picture.ts'
import { type DepthFileKind, type EncodeDepthOptions, encodeDepth, type SavableDepth } from './encode-depth.ts'

/** Of `saveDepth`. */
export interface SaveDepthOptions extends EncodeDepthOptions, ColourPicture, Pick<ColourScale, 'map' | 'near' | 'far'> {
  /**
   * What a PNG holds: `depth`, 16-bit millimetres; `log`, 16 bits on a logarithmic scale as MoGe's; `color`, a picture. Default: what
   * the name says (`x.log.png`, `x.color.png`), else `depth`.
   */
  readonly png?: 'depth' | 'log' | 'color'
}

const KIND_OF: Readonly<Record<string, DepthFileKind>> = {
  '.npy': 'npy',
  '.npz': 'npz',
  '.exr': 'exr',
  '.ply': 'ply',
  '.glb': 'glb',
  '.json': 'json',
}

/** The extensions that `saveDepth` knows. */
export const SAVE_EXTENSIONS: readonly string[] = ['.png', ...Object.keys(KIND_OF)]

/**
 * Writes a depth map, whole or not at all: a file that is there already is replaced, and stays as it was when the new one cannot be
 * written. By the extension:
 *
 *     .png     16-bit grey, millimetres (`png: 'log'` or `x.log.png`: logarithmic; `png: 'color'` or `x.color.png`: colours)
 *     .npy     float32 metres, height × width
 *     .npz     `depth`, and `sigma` and `intrinsics` where they are known
 *     .exr     float32 metres, one channel
 *     .ply     points: x right, y down, z forward, in metres; with the colours of `image`
 *     .glb     a surface, cut where depth jumps: x right, y up, z towards the viewer; with `image` on it, or the colours of the depth
 *     .json    size, range, camera and the like; no map
 *
 * @throws DarError for another extension, a folder that is not there, a disk that is full, and for a map without the camera (ply, glb)
 * or the metres (png, ply, glb) that the format needs.
 */
export async function saveDepth(map: SavableDepth, path: string, options: SaveDepthOptions = {}): Promise<void> {
  const extension = extname(path).toLowerCase()
  const kind = extension === '.png' ? (options.png ?? pngKind(path)) : KIND_OF[extension]
  if (kind === undefined)
    throw new DarError(
      `${path} has ${extension === '' ? 'no extension' : `the extension ${extension}`}, which depth is not written as; use one of ${SAVE_EXTENSIONS.join(', ')}`,
    )
  const folder = dirname(path)
  if (!(await stat(folder).catch(() => null))?.isDirectory())
    throw new DarError(`cannot write ${path}: there is no folder ${folder}; make it first, or check the path`, {
      kind: 'output',
    })
  await writeFileAtomically(
    path,
    kind === 'color' ? await encodeColours(map, options) : await encodeDepth(kind, map, options),
  )
}

function pngKind(path: string): 'depth' | 'log' | 'color' {
  const [, word] = /\.(log|color)\.png$/i.exec(path) ?? []
  return (word?.toLowerCase() as 'log' | 'color' | undefined) ?? 'depth'
}
