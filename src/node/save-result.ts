/** A result of `predict` as a file. Where the file shows the photo, it is read again. */
import { extname } from 'node:path'
import type { RgbImage } from '../image/types.ts'
import type { DepthResult, SaveOptions } from '../predict/types.ts'

/** Kinds of files whose points and surfaces have the photo's colours. */
const COLOURED: readonly string[] = ['.ply', '.glb']

/** As `saveDepth`. `photo` reads the photo's pixels, which `options.image` replaces. */
export async function saveResult(
  result: DepthResult,
  photo: () => Promise<RgbImage>,
  path: string,
  options: SaveOptions,
): Promise<void> {
  const shows = COLOURED.includes(extname(path).toLowerCase()) || options.picture === 'beside'
  const image = options.image === undefined && shows ? await photo() : options.image
  // Loaded when it is needed: most programs write no files of it.
  const { saveDepth } = await import('./save-depth.ts')
  await saveDepth(result, path, { ...options, image })
}
