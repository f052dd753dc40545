/**
 * NYU Depth v2 with one HDF5 file a frame, as FastDepth made it and Hugging Face (`sayakpaul/nyu_depth_v2`) packs it:
 *
 *     rgb      3 × H × W   uint8          depth    H × W   float32 metres, 0 = none
 *
 * `path`: a folder with .h5 files at any depth (`train/<scene>/00001.h5`, `val/official/00001.h5`), a tar shard of such
 * files, a folder of shards, or one .h5 file. A member of a shard is read in place, without unpacking the shard. Depth
 * of the training frames has holes filled by the authors' colourisation. The `val/official` frames are the 654 of the
 * official test.
 */
import { join } from 'node:path'
import { DarError } from '../../support/errors.ts'
import { namedDataset } from '../named.ts'
import type { NamedDataset } from '../types.ts'
import { nyuCamera } from './cameras.ts'
import { baseName, kindOf, walk } from './files.ts'
import { type Hdf5, MAX_PIXELS, withHdf5 } from './hdf5.ts'
import type { ReaderOptions } from './options.ts'
import { openShards } from './shards.ts'
import { readMember } from './tar.ts'

interface Source {
  readonly name: string
  /** A path, or the bytes of a member and what messages call it. */
  readonly open: () => Promise<{ readonly source: string | Uint8Array; readonly label: string }>
}

/** Throws a DarError when there is no .h5 file, or a shard breaks off (unless `incomplete: 'note'`). */
export async function h5Dataset(path: string, options: ReaderOptions = {}): Promise<NamedDataset> {
  const { name = baseName(path).replace(/\.(tar|h5)$/i, '') } = options
  const { sources, notes } = await list(path, options)
  if (sources.length === 0) throw new DarError(`no .h5 file in ${path}; check the path`)
  return namedDataset(
    name,
    sources.map((source) => source.name),
    async (_, i) => {
      const { source, label } = await sources[i].open()
      return withHdf5(source, (file) => frameOf(file, label), { name: label })
    },
    { notes },
  )
}

async function list(path: string, options: ReaderOptions) {
  if (/\.h5$/i.test(path)) return { sources: [onDisk(path, baseName(path))], notes: [] }
  const sources: Source[] = []
  let hasTar = /\.tar$/i.test(path)
  if ((await kindOf(path)) === 'folder')
    for await (const file of walk(path)) {
      if (/\.h5$/i.test(file)) sources.push(onDisk(join(path, file), file))
      hasTar ||= !file.includes('/') && /\.tar$/i.test(file)
    }
  if (!hasTar) return { sources, notes: [] }
  const { shards, notes } = await openShards(path, options)
  const several = shards.length > 1
  for (const { path: shard, members } of shards)
    for (const member of members) {
      if (!/\.h5$/i.test(member.name)) continue
      const own = stem(member.name.replace(/^\.\//, ''))
      sources.push({
        name: several ? `${baseName(shard).replace(/\.tar$/i, '')}/${own}` : own,
        open: async () => ({ source: await readMember(shard, member), label: `${shard}: ${member.name}` }),
      })
    }
  return { sources, notes }
}

const stem = (name: string) => name.replace(/\.h5$/i, '')

const onDisk = (path: string, name: string): Source => ({
  name: stem(name),
  open: async () => ({ source: path, label: path }),
})

function frameOf(file: Hdf5, label: string) {
  const [rgbShape, depthShape] = [file.shape('rgb'), file.shape('depth')]
  const [height, width] = depthShape ?? []
  if (
    !rgbShape ||
    depthShape?.length !== 2 ||
    rgbShape.join() !== [3, height, width].join() ||
    height * width > MAX_PIXELS
  )
    throw new DarError(
      `${label}: 'rgb' is ${rgbShape?.join('×') ?? 'missing'} and 'depth' ${depthShape?.join('×') ?? 'missing'}; expected 3×H×W and H×W`,
    )
  const [planes, metres] = [file.read('rgb'), file.read('depth')]
  const pixels = width * height
  const data = new Uint8Array(3 * pixels)
  for (let c = 0; c < 3; c++) for (let i = 0; i < pixels; i++) data[3 * i + c] = planes[c * pixels + i]
  const depth = new Float32Array(metres)
  for (let i = 0; i < depth.length; i++) if (!(depth[i] > 0 && depth[i] < Number.POSITIVE_INFINITY)) depth[i] = 0
  return {
    image: { width, height, data },
    depth: { width, height, data: depth },
    intrinsics: nyuCamera({ width, height }),
  }
}
