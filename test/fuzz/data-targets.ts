/** Files of data sets: calibrations, scans, cameras, lists, and what stands beside photos. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import { folderDataset } from '../../src/data/folder.ts'
import { readObjectCalibration, readRawCalibration } from '../../src/data/readers/kitti-calibration.ts'
import { decodeLogDepthPng, mogeDataset } from '../../src/data/readers/moge.ts'
import { readNyuSplit } from '../../src/data/readers/nyu-split.ts'
import { sunRgbdDataset } from '../../src/data/readers/sunrgbd.ts'
import { projectScan, readVelodyne } from '../../src/data/readers/velodyne.ts'
import { webDataset } from '../../src/data/readers/webdataset.ts'
import { lensOfExif } from '../../src/image/exif-focal.ts'
import { exifBlock } from '../exif.ts'
import { photoPng, storedPng, writeTar } from '../reader-files.ts'
import { allOf, anyOf, asFile, folder, put, type Target, text } from './target.ts'

const size = { width: 8, height: 6 }
const POSE = '0.1 -1 0 0 0 0 -1 0 1 0 0 0.3'
const CALIBRATION = [
  'P2: 700 0 4 40 0 700 3 0 0 0 1 0',
  'R0_rect: 1 0 0 0 1 0 0 0 1',
  `Tr_velo_to_cam: ${POSE}`,
  'P_rect_02: 7e2 0 4 40 0 7e2 3 0 0 0 1 0',
  'R_rect_00: 1 0 0 0 1 0 0 0 1',
  'R: 0 -1 0 0 0 -1 1 0 0',
  'T: 0 0 0.3',
].join('\n')
const EYE = [0, -700, 0, 0, 0, 0, -700, 0, 1, 0, 0, 0]

/** A log-scale depth map with `near` and `far` in text chunks. */
async function logDepth(): Promise<Uint8Array> {
  const png = Buffer.from(await storedPng(size, (x, y) => 1 + x + y))
  const chunk = (kind: string, content: Uint8Array) => {
    const head = Buffer.alloc(8)
    head.writeUInt32BE(content.length)
    head.write(kind, 4)
    return Buffer.concat([head, content, Buffer.alloc(4)])
  }
  const near = chunk('tEXt', Buffer.concat([text('near'), Buffer.alloc(1), text('0.5')]))
  const far = chunk('zTXt', Buffer.concat([text('far\0\0'), deflateSync('80')]))
  return Buffer.concat([png.subarray(0, 33), near, far, png.subarray(33)])
}

/** A folder of one frame, so that what lies beside it can be changed. */
async function putFrame(base: string, photo: string, depth: string, map: Uint8Array): Promise<string> {
  put(`${base}/${photo}`, await photoPng(size))
  put(`${base}/${depth}`, map)
  return join(folder, base)
}

export const DATA_TARGETS: Readonly<Record<string, Target>> = {
  'kitti-calibration': {
    seeds: async () => [text(CALIBRATION)],
    parse: asFile('calib.txt', (path) => allOf([readObjectCalibration(path), readRawCalibration(path, path, 2)])),
  },
  velodyne: {
    seeds: async () => [new Uint8Array(Float32Array.of(5, 1, 0.5, 0.3, 2, -0.01, 0, 1, -4, 0, 0, 0).buffer)],
    parse: asFile('x.bin', async (path) => projectScan(await readVelodyne(path), EYE, 8, 6)),
  },
  'log-depth': { seeds: async () => [await logDepth()], parse: (bytes) => decodeLogDepthPng(bytes) },
  moge: {
    seeds: async () => {
      await putFrame('moge/a', 'image.png', 'depth.png', await logDepth())
      return [text('{"intrinsics": [[0.9, 0, 0.5], [0, 1.2, 0.5], [0, 0, 1]]}')]
    },
    parse: async (bytes) => {
      put('moge/a/meta.json', bytes)
      return (await mogeDataset(join(folder, 'moge'))).get(0)
    },
  },
  webdataset: {
    seeds: async () => {
      put('photo.png', await photoPng(size))
      put('depth.png', await storedPng(size, () => 1500))
      return [
        text('{"intrinsics": {"fx": 9, "fy": 9, "cx": 4, "cy": 3}, "depth_scale": 1000}'),
        text('{"intrinsics": [[9, 0, 4], [0, 9, 3], [0, 0, 1]]}'),
      ]
    },
    parse: async (bytes) => {
      const [photo, depth] = ['photo.png', 'depth.png'].map((name) => readFileSync(join(folder, name)))
      const tar = await writeTar(join(folder, 'w.tar'), { '0.png': photo, '0.depth.png': depth, '0.json': bytes })
      return (await webDataset(tar)).get(0)
    },
  },
  'folder-json': {
    seeds: async () => {
      await putFrame('pairs', 'rgb/a.png', 'depth/a.png', await storedPng(size, () => 1500))
      const camera = '{"width": 8, "height": 6, "fx": 9, "fy": 9, "cx": 4, "cy": 3}'
      return [
        text(camera),
        text(`{"a": ${camera}}`),
        text('{"a": {"width": 16, "height": 12, "fx": 9, "fy": 9, "cx": 4, "cy": 3}}'),
      ]
    },
    parse: async (bytes) => {
      put('pairs/intrinsics.json', bytes)
      return (await folderDataset(join(folder, 'pairs'))).get(0)
    },
  },
  lists: {
    seeds: async () => {
      await putFrame('lists/a', 'image.png', 'depth.png', await logDepth())
      return [
        text('1\n45\n900\n'),
        text('kv1/a/image/1.jpg kv1/a/depth/1.png 518.8\nb/image/2.jpg None\n'),
        text('a/\n'),
      ]
    },
    // A list is of one layout; the others refuse it.
    parse: asFile('list.txt', async (list) => {
      const root = join(folder, 'lists')
      const asked = [
        readNyuSplit(list, 1449),
        sunRgbdDataset(root, { list }),
        mogeDataset(root, { list }).then((set) => set.get(0)),
      ]
      await anyOf(asked)
    }),
  },
  exif: {
    seeds: async () => {
      const tags = {
        37386: [5, 50],
        40962: [3, 3888],
        40963: [3, 2592],
        41486: [12, 4438.4],
        41488: [3, 2],
        41988: [5, 2],
        41989: [3, 80],
      } as const
      return [exifBlock(tags), exifBlock(tags, { little: false }), exifBlock(tags).subarray(6)]
    },
    parse: (bytes) => {
      const { focal35 } = lensOfExif(bytes, { width: 3888, height: 2592 })
      if (focal35 !== undefined && !(focal35 >= 5 && focal35 <= 3000)) throw new Error(`${focal35} mm`)
    },
  },
}
