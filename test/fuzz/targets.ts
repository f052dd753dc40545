/**
 * Every parser that takes a stranger's bytes, with seeds that it accepts. A parser may refuse with a DarError and nothing else; it must
 * end, and within the budget of run.ts.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import { zipSync } from 'fflate'
import sharp from 'sharp'
import { z } from 'zod'
import { parseJson } from '../../src/data/json.ts'
import { withHdf5 } from '../../src/data/readers/hdf5.ts'
import { readMat5 } from '../../src/data/readers/mat5.ts'
import { pngText } from '../../src/data/readers/png-text.ts'
import { parseSplit } from '../../src/data/readers/split-file.ts'
import { indexTar } from '../../src/data/readers/tar.ts'
import { tumDataset } from '../../src/data/readers/tum.ts'
import { webDataset } from '../../src/data/readers/webdataset.ts'
import { predictionFolder } from '../../src/eval/predictions.ts'
import { decodeNpy, encodeNpy } from '../../src/image/npy.ts'
import { xmpOrientation } from '../../src/image/orient.ts'
import { parseConfig } from '../../src/model/index.ts'
import { parsePoints } from '../../src/node/align-points.ts'
import { decodeImage } from '../../src/node/decode.ts'
import { decodeDepth } from '../../src/node/decode-depth.ts'
import { encodeDepthPng } from '../../src/node/png16.ts'
import { tiffOf } from '../../src/node/testing.ts'
import { parseSafetensors, serialiseSafetensors } from '../../src/safetensors/index.ts'
import { onOneLine } from '../../src/support/text.ts'
import { CELLS_MAT, PLAIN_MAT, SPLITS_MAT, writeHdf5, writeTar } from '../reader-files.ts'
import { DATA_TARGETS } from './data-targets.ts'
import { SETTINGS_TARGETS } from './settings-targets.ts'
import { SHAPE_TARGETS } from './shape-targets.ts'
import { allOf, asFile, decoded, folder, type Target, text } from './target.ts'

const METRES = Float32Array.from({ length: 48 }, (_, i) => 1 + i / 8)
const size = { width: 8, height: 6 }

export const TARGETS: Readonly<Record<string, Target>> = {
  safetensors: {
    seeds: async () => [
      serialiseSafetensors(
        { a: { dtype: 'F32', shape: [2, 3], data: new Float32Array(6) } },
        { config: '{"bins":16}' },
      ),
      serialiseSafetensors({}),
    ],
    parse: (bytes) => parseSafetensors(bytes, 'fuzz'),
  },
  points: {
    seeds: async () => [
      text('u,v,metres\n1,2,3.5\n4,5,6\n'),
      text('# lidar\n1 2 3\n4;5;6'),
      text('z;"x (px)";y\n1;2;3'),
    ],
    parse: (bytes) => parsePoints(decoded(bytes), 'fuzz'),
  },
  config: {
    seeds: async () => [text(JSON.stringify(parseConfig({}))), text('{"sizes":[[1,1],[2,2]],"steps":2}')],
    parse: (bytes) => {
      let value: unknown
      try {
        value = JSON.parse(decoded(bytes))
      } catch {
        return
      }
      parseConfig(value, 'fuzz')
    },
  },
  npy: {
    seeds: async () => [encodeNpy(METRES, [6, 8]), encodeNpy(METRES, [1, 6, 8])],
    parse: (bytes) => decodeNpy(bytes),
  },
  npz: {
    seeds: async () => [
      zipSync({ 'depth.npy': encodeNpy(METRES, [6, 8]), 'b.npy': encodeNpy(METRES, [48]) }),
      zipSync({ 'a.npy': encodeNpy(METRES, [6, 8]) }, { level: 0 }),
    ],
    parse: asFile('x.npz', async () => {
      const predictions = await predictionFolder(folder)
      const image = { ...size, data: new Uint8Array(144) }
      await predictions.predictor({})({ name: 'set/x', image, depth: null, intrinsics: null })
    }),
  },
  mat5: { seeds: async () => [SPLITS_MAT, PLAIN_MAT, CELLS_MAT], parse: asFile('x.mat', (path) => readMat5(path)) },
  hdf5: {
    seeds: async () => [
      readFileSync(
        await writeHdf5(join(folder, 'seed.h5'), {
          depth: { data: METRES, shape: [6, 8], chunks: [3, 4] },
          plain: { data: METRES, shape: [48] },
        }),
      ),
    ],
    parse: asFile('x.h5', (path) =>
      withHdf5(path, (file) => [
        file.shape('plain') && file.read('plain'),
        file.shape('depth') && file.read('depth', 0),
      ]),
    ),
  },
  tar: {
    seeds: async () => [
      readFileSync(
        await writeTar(join(folder, 'seed.tar'), {
          'a.jpg': 'one',
          'b.d/a.json': '{}',
          [`${'long/'.repeat(60)}b`]: 'two',
        }),
      ),
    ],
    parse: asFile('x.tar', (path) => allOf([indexTar(path), webDataset(path)])),
  },
  image: {
    seeds: async () => {
      const raw = sharp(new Uint8Array(144).fill(99), { raw: { ...size, channels: 3 } })
      const exif = { IFD0: { Orientation: '6' }, IFD2: { FocalLengthIn35mmFilm: '26' } }
      return Promise.all([
        raw.clone().withExif(exif).jpeg().toBuffer(),
        raw.clone().withXmp('<x tiff:Orientation="3"/>').png().toBuffer(),
        raw.clone().webp().toBuffer(),
      ])
    },
    parse: (bytes) => decodeImage(bytes),
  },
  depth: {
    seeds: async () => [
      await encodeDepthPng({ ...size, data: METRES }, { unitsPerMetre: 1000 }),
      encodeNpy(METRES, [6, 8]),
      tiffOf(METRES, { ...size, bits: 32, format: 'float' }),
    ],
    parse: (bytes) => decodeDepth(bytes),
  },
  'png-text': {
    seeds: async () => {
      const png = Buffer.from(await encodeDepthPng({ ...size, data: METRES }, { unitsPerMetre: 1 }))
      const note = Buffer.concat([text('near\0\0'), deflateSync('0.5')])
      const head = Buffer.alloc(8)
      head.writeUInt32BE(note.length)
      head.write('zTXt', 4)
      return [Buffer.concat([png.subarray(0, 33), head, note, Buffer.alloc(4), png.subarray(33)])]
    },
    parse: (bytes) => pngText(bytes),
  },
  tum: {
    seeds: async () => [text('# rgb\n1.0 rgb/1.png\n1.03 rgb/2.png\n'), text('1,a\n1,b\n')],
    parse: (bytes) => {
      writeFileSync(join(folder, 'rgb.txt'), bytes)
      writeFileSync(join(folder, 'depth.txt'), bytes)
      return tumDataset(folder)
    },
  },
  split: {
    seeds: async () => [text('a.jpg b.png 518.8\nc.jpg None\n')],
    parse: (bytes) => parseSplit(decoded(bytes), 'x'),
  },
  json: {
    seeds: async () => [text('{"depth_scale": 1000, "intrinsics": {"fx": 1}}')],
    parse: (bytes) => parseJson(decoded(bytes), 'x', z.object({ depth_scale: z.number().optional() })),
  },
  text: {
    seeds: async () => [text('one \n <x tiff:Orientation="6"/>'), text('<tiff:Orientation> 3 </tiff:Orientation>')],
    parse: (bytes) => [onOneLine(decoded(bytes)), xmpOrientation(decoded(bytes))],
  },
  ...DATA_TARGETS,
  ...SETTINGS_TARGETS,
  ...SHAPE_TARGETS,
}
