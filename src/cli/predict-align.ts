/**
 * The flags `--align` and `--align-in` of `dar predict`: reads the measured points of each photo, aligns its map, and says how well it fits.
 * The work is in src/predict/align.ts and src/node/align-points.ts.
 */
import { readdir, stat } from 'node:fs/promises'
import { extname, join, parse } from 'node:path'
import { type Command, Option } from 'commander'
import { readMeasuredPoints } from '../node/align-points.ts'
import { metresText } from '../node/index.ts'
import type { WrittenMap } from '../node/predict-files.ts'
import type { MapFacts } from '../predict/facts.ts'
import { type AlignSpace, alignDepth, applyAlignment, type DepthAlignment, pointsOfDepth } from '../predict/index.ts'
import { DarError } from '../support/errors.ts'

export interface AlignFlags {
  readonly align?: string
  readonly alignIn?: AlignSpace
}

/** Adds the two flags. */
export function addAlignFlags(command: Command): Command {
  return command
    .option(
      '--align <file|dir>',
      'fit scale and shift to measured points: u, v, metres a line, or a sparse depth map; of several photos a folder with a file for each',
    )
    .addOption(
      new Option('--align-in <space>', 'fit in log or inverse depth (default: the one that fits better)').choices([
        'log',
        'inverse',
      ]),
    )
}

/** A map in aligned metres, what is known of it, and how it was aligned. */
export type AlignedPhoto = WrittenMap & MapFacts & { readonly unit: 'metre'; readonly alignment: DepthAlignment }

/** Aligns the map of a photo. Rejects with a DarError that names the photo's points. */
export type Aligner = (photo: string, map: WrittenMap & Partial<MapFacts>) => Promise<AlignedPhoto>

/** What a file of points may end in, where it is looked up by the photo's name. */
const ENDINGS = ['.csv', '.txt', '.png', '.npy', '.tif', '.tiff']

/**
 * The aligner of a call; null without `--align`. `metric`: whether the model's maps are in metres. Throws a DarError for flags that do not fit,
 * and for one file that cannot be read: no photo needs to be predicted to tell.
 */
export async function openAligner(
  { align, alignIn }: AlignFlags,
  { photos, metric }: { readonly photos: number; readonly metric: boolean },
): Promise<Aligner | null> {
  if (align === undefined) {
    if (alignIn !== undefined) throw new DarError('--align-in without --align; name the file of points with --align')
    return null
  }
  const folder = await filesOf(align)
  if (folder === null && photos !== 1)
    throw new DarError(
      `--align ${align} is one file for ${photos} photos; give a folder with a file for each, named as its photo`,
    )
  const given = folder === null ? await readMeasuredPoints(align) : null
  const from = metric ? 'metres' : 'inverse'
  return async (photo, map) => {
    const file = folder === null ? align : join(align, fileOf(photo, folder, align))
    const measured = given ?? (await readMeasuredPoints(file))
    try {
      const points = measured.kind === 'points' ? measured.points : pointsOfDepth(measured.depth, map)
      const { depth, data, sigma, alignment } = alignDepth(map, points, { in: alignIn, from })
      const steps = map.steps.map((step) => {
        const applied = applyAlignment({ ...step, width: map.width, height: map.height }, alignment)
        return { ...step, ...applied, data: applied.depth }
      })
      const warnings = [...map.warnings, ...alignment.notes]
      return { ...map, depth, data, sigma, steps, ...factsAfter(depth, map.valid), unit: 'metre', warnings, alignment }
    } catch (error) {
      throw error instanceof DarError ? new DarError(`${file}: ${error.message}`, { cause: error }) : error
    }
  }
}

/** Pixels that held before and have a depth now; the range of all that have one. */
function factsAfter(depth: Float32Array, before: Uint8Array | undefined): MapFacts {
  const valid = new Uint8Array(depth.length)
  let [min, max] = [Number.POSITIVE_INFINITY, 0]
  for (let i = 0; i < depth.length; i++) {
    if (!(depth[i] > 0)) continue
    valid[i] = before?.[i] ?? 1
    min = Math.min(min, depth[i])
    max = Math.max(max, depth[i])
  }
  return { valid, min, max }
}

/** Names in a folder; null for a file, or for what is not there, which reading it tells better. */
async function filesOf(path: string): Promise<readonly string[] | null> {
  const found = await stat(path).catch(() => null)
  return found?.isDirectory() ? readdir(path) : null
}

function fileOf(photo: string, names: readonly string[], folder: string): string {
  const stem = parse(photo).name
  const found = names.filter((name) => parse(name).name === stem && ENDINGS.includes(extname(name).toLowerCase()))
  if (found.length === 1) return found[0]
  if (found.length > 1)
    throw new DarError(`${folder} has several files of points for ${photo}: ${found.join(', ')}; leave one`)
  throw new DarError(`${folder} has no points for ${photo}; put ${stem}.csv there`, { kind: 'missing' })
}

/** For the line of a photo: `aligned in log depth to 812 of 900 points, off by 0.31 m before, 0.04 m after`. */
export function alignmentText({ space, fitted, points, inliers, before, after }: DepthAlignment): string {
  const what = fitted === 'scale' ? 'by its scale' : `in ${space} depth`
  const share = `${(100 * after.relative).toPrecision(2)} %`
  const was = before ? `off by ${metresText(before.rms)} before, ` : 'off by '
  return `aligned ${what} to ${inliers} of ${points} points, ${was}${metresText(after.rms)}${before ? ' after' : ''} (rms, ${share})`
}
