/**
 * KITTI's raw drives with depth. Two trees, as they are downloaded, or merged into one as BTS has them:
 *
 *     <date>/<drive>/image_02/data/0000000005.png                       photo, left colour camera (03: right)
 *     <date>/<drive>/velodyne_points/data/0000000005.bin                one scan
 *     <date>/calib_cam_to_cam.txt, calib_velo_to_cam.txt
 *     [train|val/]<drive>/proj_depth/groundtruth/image_02/0000000005.png    annotated depth, 16-bit, ÷ 256, 0 = none
 *
 * With `list`, an Eigen split file: paths of photo and annotated depth, focal length; `None` for the 45 of 697 test
 * frames without annotation. Without `list`, every annotated frame, or with `truth: 'velodyne'` every frame that has a
 * scan. The camera is that of the calibration file. Where there is none, it is derived from the focal length of the
 * list. With `crop: 'kb'` frames are the bottom centre 1216×352: rows h − 352 …, columns ⌊(w − 1216)/2⌋ ….
 */
import { join } from 'node:path'
import { decodeDepthPng, decodeImage } from '../../node/decode.ts'
import { DarError } from '../../support/errors.ts'
import { namedDataset } from '../named.ts'
import type { Frame, NamedDataset } from '../types.ts'
import { cameraFromFocal, cropFrame } from './cameras.ts'
import { baseName, firstFile, kindOf, walk } from './files.ts'
import { type KittiCalibration, readRawCalibration } from './kitti-calibration.ts'
import { listedDataset } from './listed.ts'
import type { ReaderOptions } from './options.ts'
import { readSplitFile } from './split-file.ts'
import { projectScan, readVelodyne } from './velodyne.ts'

/** Where photos and annotations are kept below a root. */
const IMAGE_FOLDERS = ['', 'raw', 'raw_data', 'kitti_raw', 'KITTI/raw']
const DEPTH_FOLDERS = [
  '',
  'train',
  'val',
  'data_depth_annotated',
  'data_depth_annotated/train',
  'data_depth_annotated/val',
  'gt',
]

const PHOTO =
  /^(?<before>.*\/)?(?<date>\d{4}_\d\d_\d\d)\/(?<drive>[^/]+)\/image_0(?<camera>[23])\/data\/(?<frame>\d+)\.(png|jpg)$/i
const TRUTH =
  /^(?<before>.*\/)?(?<drive>(?<date>\d{4}_\d\d_\d\d)[^/]*)\/proj_depth\/groundtruth\/image_0(?<camera>[23])\/(?<frame>\d+)\.png$/i

/** Throws a DarError when nothing is found below `root`, the list is wrong, or a photo is missing (unless `incomplete: 'note'`). */
export async function kittiDataset(root: string, options: ReaderOptions = {}): Promise<NamedDataset> {
  const { list, truth = 'annotated', crop } = options
  if (list !== undefined && truth === 'velodyne')
    throw new DarError('a split file lists annotated depth; leave the list out to read single scans')
  const calibrations = calibrationCache()
  const dataset =
    list !== undefined
      ? await fromList(root, list, calibrations, options)
      : truth === 'velodyne'
        ? await scans(root, calibrations, options)
        : await annotated(root, calibrations, options)
  if (crop === undefined) return dataset
  return namedDataset(dataset.name, dataset.names, async (_, i) => kbCrop(await dataset.get(i)), dataset)
}

/** The bottom centre 1216×352. Throws a DarError for a smaller image. */
export function kbCrop(frame: Frame): Frame {
  const { width, height } = frame.image
  if (width < 1216 || height < 352)
    throw new DarError(`${frame.name} is ${width}×${height}, smaller than the KB crop of 1216×352; leave the crop out`)
  const box = { left: Math.floor((width - 1216) / 2), top: height - 352, width: 1216, height: 352 }
  return { name: frame.name, ...cropFrame(frame, box) }
}

async function fromList(root: string, list: string, calibrations: Calibrations, options: ReaderOptions) {
  const { name = baseName(root), depthScale = 256, withoutDepth } = options
  return listedDataset(root, await readSplitFile(list), {
    name,
    imageFolders: IMAGE_FOLDERS,
    depthFolders: DEPTH_FOLDERS,
    withoutDepth,
    decodeDepth: (path) => decodeDepthPng(path, { unitsPerMetre: depthScale }),
    camera: async ({ image: path, focal }, image, file) => {
      const camera = Number(PHOTO.exec(path.replace(/^\/+/, ''))?.groups?.camera ?? 2)
      const known = await calibrations(file, { camera, velodyne: false })
      return known?.intrinsics ?? (focal === null ? null : cameraFromFocal(focal, image))
    },
  })
}

/** `file`: a photo's path in the raw tree; the calibration lies three folders above it. Null when there is none. */
type Calibrations = (
  file: string,
  options: { readonly camera: number; readonly velodyne: boolean },
) => Promise<KittiCalibration | null>

/** The calibration of a drive is read once. There are five days in all. */
function calibrationCache(): Calibrations {
  const known = new Map<string, Promise<KittiCalibration | null>>()
  return (file, { camera, velodyne }) => {
    const day = join(file, '../../../..')
    const key = `${day} ${camera} ${velodyne}`
    const found = known.get(key) ?? readDay(day, camera, velodyne)
    known.set(key, found)
    return found
  }
}

async function readDay(day: string, camera: number, velodyne: boolean): Promise<KittiCalibration | null> {
  const cameras = await firstFile([join(day, 'calib_cam_to_cam.txt')])
  if (cameras === null) return null
  return readRawCalibration(cameras, velodyne ? join(day, 'calib_velo_to_cam.txt') : null, camera)
}

async function annotated(root: string, calibrations: Calibrations, options: ReaderOptions): Promise<NamedDataset> {
  const { name = baseName(root), depthScale = 256, incomplete = 'refuse' } = options
  const truths: { readonly path: string; readonly photo: string; readonly camera: number }[] = []
  for await (const path of walk(root, { skip: isBulk })) {
    const { date, drive, camera, frame } = TRUTH.exec(path)?.groups ?? {}
    if (frame) truths.push({ path, photo: `${date}/${drive}/image_0${camera}/data/${frame}`, camera: Number(camera) })
  }
  if (truths.length === 0)
    throw new DarError(
      `no annotated depth (…/proj_depth/groundtruth/image_02/*.png) below ${root}; ask for velodyne, or check the path`,
    )
  const folders = await existing(root, IMAGE_FOLDERS)
  const photoOf = (photo: string) =>
    firstFile(
      folders.flatMap((folder) => ['png', 'jpg', 'PNG', 'JPG'].map((kind) => join(root, folder, `${photo}.${kind}`))),
    )
  const found = await Promise.all(truths.map(async (one) => ({ ...one, file: await photoOf(one.photo) })))
  const frames = found.flatMap(({ file, ...one }) => (file === null ? [] : [{ ...one, file }]))
  const missing = found.length - frames.length
  const problem = `${missing} of ${found.length} annotated frames have no photo, first ${found.find(({ file }) => file === null)?.photo}.png`
  if (missing > 0 && (incomplete === 'refuse' || frames.length === 0))
    throw new DarError(`${problem} below ${root}; add the raw drives to that folder`)
  const read = async (_: string, i: number) => {
    const { path, file, camera } = frames[i]
    const [image, depth, calibration] = await Promise.all([
      decodeImage(file),
      decodeDepthPng(join(root, path), { unitsPerMetre: depthScale }),
      calibrations(file, { camera, velodyne: false }),
    ])
    return { image, depth, intrinsics: calibration?.intrinsics ?? null }
  }
  return namedDataset(
    name,
    frames.map(({ photo }) => photo),
    read,
    { notes: missing > 0 ? [problem] : [] },
  )
}

async function scans(root: string, calibrations: Calibrations, options: ReaderOptions): Promise<NamedDataset> {
  const { name = baseName(root), incomplete = 'refuse' } = options
  const photos: string[] = []
  const scanFiles = new Set<string>()
  for await (const path of walk(root, { skip: (folder) => folder === 'image_00' || folder === 'image_01' })) {
    if (PHOTO.test(path)) photos.push(path)
    else if (/\.bin$/i.test(path)) scanFiles.add(path)
  }
  const scanFor = (photo: string) => photo.replace(/image_0[23]\/data\/(\d+)\.\w+$/, 'velodyne_points/data/$1.bin')
  const frames = photos.filter((photo) => scanFiles.has(scanFor(photo)))
  const missing = photos.length - frames.length
  if (frames.length === 0)
    throw new DarError(`no photo with a scan (velodyne_points/data/*.bin) below ${root}; check the path`)
  const problem = `${missing} of ${photos.length} photos have no scan`
  if (missing > 0 && incomplete === 'refuse')
    throw new DarError(
      `${problem} below ${root}, first ${photos.find((photo) => !scanFiles.has(scanFor(photo)))}; remove them or read with incomplete: 'note'`,
    )
  const read = async (_: string, i: number) => {
    const file = join(root, frames[i])
    const camera = Number(PHOTO.exec(frames[i])?.groups?.camera)
    const calibration = await calibrations(file, { camera, velodyne: true })
    if (!calibration?.projection)
      throw new DarError(
        `${join(file, '../../../..')} has no calib_cam_to_cam.txt; add KITTI's calibration files of that day`,
      )
    const [image, points] = await Promise.all([decodeImage(file), readVelodyne(join(root, scanFor(frames[i])))])
    return {
      image,
      depth: projectScan(points, calibration.projection, image.width, image.height),
      intrinsics: calibration.intrinsics,
    }
  }
  return namedDataset(
    name,
    frames.map((photo) => photo.replace(/\.\w+$/, '')),
    read,
    { notes: missing > 0 ? [problem] : [] },
  )
}

/** Folders with many files and no annotation in them. */
const isBulk = (folder: string) => /^(image_0[01]|velodyne_points|oxts|velodyne_raw)$/.test(folder)

async function existing(root: string, folders: readonly string[]): Promise<string[]> {
  const kinds = await Promise.all(folders.map((folder) => kindOf(join(root, folder))))
  return folders.filter((_, i) => kinds[i] === 'folder')
}
