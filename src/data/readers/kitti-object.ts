/**
 * KITTI's object detection set: photos of the left colour camera with one laser scan each, which is projected to depth.
 *
 *     image_2/000001.png    velodyne/000001.bin    calib/000001.txt
 *
 * Below `root` or `root/training`. The three folders may pad numbers differently, so numbers are compared, not names.
 */
import { readdir } from 'node:fs/promises'
import { join, parse } from 'node:path'
import { decodeImage } from '../../node/decode.ts'
import { DarError, messageOf } from '../../support/errors.ts'
import { namedDataset } from '../named.ts'
import type { NamedDataset } from '../types.ts'
import { baseName, kindOf } from './files.ts'
import { readObjectCalibration } from './kitti-calibration.ts'
import type { ReaderOptions } from './options.ts'
import { projectScan, readVelodyne } from './velodyne.ts'

/** Throws a DarError when a folder is missing or empty, or a photo has no scan or calibration (unless `incomplete: 'note'`). */
export async function kittiObjectDataset(root: string, options: ReaderOptions = {}): Promise<NamedDataset> {
  const { name = baseName(root), incomplete = 'refuse' } = options
  const base = (await kindOf(join(root, 'image_2'))) === 'folder' ? root : join(root, 'training')
  const [photos, scans, calibrations] = await Promise.all([
    numbered(join(base, 'image_2'), /\.(png|jpg)$/i),
    numbered(join(base, 'velodyne'), /\.bin$/i),
    numbered(join(base, 'calib'), /\.txt$/i),
  ])
  const frames = [...photos.keys()].filter((n) => scans.has(n) && calibrations.has(n)).sort((a, b) => a - b)
  const missing = photos.size - frames.length
  const problem = `${missing} of ${photos.size} photos in ${join(base, 'image_2')} have no scan or no calibration`
  if (frames.length === 0 || (missing > 0 && incomplete === 'refuse'))
    throw new DarError(`${problem}; complete velodyne/ and calib/`)
  const names = frames.map((n) => parse(photos.get(n) ?? '').name)
  const read = async (_: string, i: number) => {
    const n = frames[i]
    const [image, points, calibration] = await Promise.all([
      decodeImage(join(base, 'image_2', photos.get(n) ?? '')),
      readVelodyne(join(base, 'velodyne', scans.get(n) ?? '')),
      readObjectCalibration(join(base, 'calib', calibrations.get(n) ?? '')),
    ])
    const { projection, intrinsics } = calibration
    return { image, depth: projection && projectScan(points, projection, image.width, image.height), intrinsics }
  }
  return namedDataset(name, names, read, { notes: missing > 0 ? [problem] : [] })
}

/** Number → file name. */
async function numbered(folder: string, kind: RegExp): Promise<Map<number, string>> {
  let files: string[]
  try {
    files = await readdir(folder)
  } catch (error) {
    throw new DarError(`cannot list ${folder}: ${messageOf(error)}; expected image_2/, velodyne/ and calib/`, {
      kind: 'missing',
    })
  }
  const wanted = files.filter((file) => kind.test(file) && /^\d+$/.test(parse(file).name))
  return new Map(wanted.map((file) => [Number(parse(file).name), file]))
}
