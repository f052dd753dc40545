/**
 * WebDataset shards: in a tar, members that share a key (the path up to the first dot of the file name) are one frame.
 *
 *     <key>.jpg|jpeg|png|webp     photo
 *     <key>.depth.png             16-bit, value / depth_scale metres, 0 = none; or <key>.depth.npy or .tiff, float32 metres
 *     <key>.json                  optional: {"intrinsics": {fx, fy, cx, cy} in pixels or 3×3, "depth_scale": 1000}
 *
 * Other members are ignored. `depthScale` takes precedence over the JSON. Frames without depth are kept, with depth
 * null.
 */
import { z } from 'zod'
import type { DepthImage, Intrinsics } from '../../image/types.ts'
import { decodeImage } from '../../node/decode.ts'
import { decodeDepth } from '../../node/decode-depth.ts'
import { DarError } from '../../support/errors.ts'
import { parseJson } from '../json.ts'
import { namedDataset } from '../named.ts'
import { composed } from '../pairs.ts'
import type { NamedDataset } from '../types.ts'
import { cameraFromMatrix } from './cameras.ts'
import { baseName } from './files.ts'
import type { ReaderOptions } from './options.ts'
import { openShards } from './shards.ts'
import { readMember, type TarMember } from './tar.ts'

const camera = z.object({ fx: z.number().positive(), fy: z.number().positive(), cx: z.number(), cy: z.number() })
const metaFile = z.object({
  intrinsics: z.union([camera, z.array(z.array(z.number()).length(3)).length(3)]).nullish(),
  depth_scale: z.number().positive().optional(),
})

interface Sample {
  readonly shard: string
  readonly parts: Map<string, TarMember>
}

const PHOTOS = ['jpg', 'jpeg', 'png', 'webp']
const DEPTHS = ['depth.png', 'depth.npy', 'depth.tiff', 'depth.tif']

/** `path`: a shard or a folder of them. Throws a DarError when there is no frame, or a shard breaks off (unless `incomplete: 'note'`). */
export async function webDataset(path: string, options: ReaderOptions = {}): Promise<NamedDataset> {
  const { name = baseName(path).replace(/\.tar$/i, ''), depthScale, withoutDepth = 'keep' } = options
  const { shards, notes } = await openShards(path, options)
  const samples = new Map<string, Sample>()
  for (const { path: shard, members } of shards)
    for (const member of members) {
      const [, stored, part] = /^((?:.*\/)?[^/.]+)\.(.+)$/.exec(member.name) ?? []
      if (stored === undefined) continue
      const key = composed(stored)
      // Every shard may number its frames from 0.
      const taken = samples.get(key)
      const own =
        taken === undefined || taken.shard === shard ? key : `${baseName(shard).replace(/\.tar$/i, '')}/${key}`
      const sample = samples.get(own) ?? { shard, parts: new Map<string, TarMember>() }
      sample.parts.set(part.toLowerCase(), member)
      samples.set(own, sample)
    }
  const hasPhoto = ({ parts }: Sample) => PHOTOS.some((kind) => parts.has(kind))
  const hasDepth = ({ parts }: Sample) => DEPTHS.some((kind) => parts.has(kind))
  const photos = [...samples].filter(([, sample]) => hasPhoto(sample))
  const frames = withoutDepth === 'drop' ? photos.filter(([, sample]) => hasDepth(sample)) : photos
  const without = photos.filter(([, sample]) => !hasDepth(sample)).length
  if (frames.length === 0) throw new DarError(`${path} holds no frame (<key>.jpg and <key>.depth.png); check the path`)
  const counted =
    without > 0
      ? [`${without} of ${photos.length} photos have no depth map${withoutDepth === 'drop' ? '; left out' : ''}`]
      : []
  const names = frames.map(([key]) => key)
  return namedDataset(name, names, (_, i) => readSample(frames[i][1], depthScale), { notes: [...notes, ...counted] })
}

async function readSample({ shard, parts }: Sample, depthScale: number | undefined) {
  const bytesOf = async (kinds: readonly string[]) => {
    const member = kinds.map((kind) => parts.get(kind)).find((found) => found !== undefined)
    return member && { name: `${shard}: ${member.name}`, bytes: await readMember(shard, member) }
  }
  const [photo, depth, json] = await Promise.all([bytesOf(PHOTOS), bytesOf(DEPTHS), bytesOf(['json'])])
  if (!photo) throw new Error('internal error: a frame without a photo')
  const meta = json && parseJson(new TextDecoder().decode(json.bytes), json.name, metaFile)
  const [image, map] = await Promise.all([
    decodeImage(photo.bytes, { name: photo.name }),
    depth ? depthOf(depth.bytes, depth.name, depthScale ?? meta?.depth_scale ?? 1000) : null,
  ])
  return { image, depth: map, intrinsics: intrinsicsOf(meta?.intrinsics, json?.name ?? '') }
}

/** The scale is that of whole numbers. */
async function depthOf(bytes: Uint8Array, name: string, scale: number): Promise<DepthImage> {
  return decodeDepth(bytes, { name, ...(/\.png$/i.test(name) && { unitsPerMetre: scale }) })
}

function intrinsicsOf(value: z.infer<typeof metaFile>['intrinsics'], where: string): Intrinsics | null {
  if (!value) return null
  return Array.isArray(value) ? cameraFromMatrix(value.flat(), where) : value
}
