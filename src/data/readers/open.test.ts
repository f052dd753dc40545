import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { DarError } from '../../support/errors.ts'
import { createLoader } from '../loader.ts'
import { layoutTakes, openDataset } from './open.ts'
import { LAYOUTS, type Layout, recogniseLayout } from './recognise.ts'
import { metresAt, photoPng, put, storedPng, temporaryFolder, writeHdf5, writeTar } from './testing.ts'

const folder = temporaryFolder()
const size = { width: 8, height: 6 }
const DRIVE = '2011_09_26_drive_0002_sync'

/** Files of each layout; what is in them does not matter to recognise it. */
const TREES: Readonly<Record<Exclude<Layout, 'h5' | 'webdataset'>, readonly string[]>> = {
  folder: ['rgb/a.jpg', 'depth/a.png', 'meta.json'],
  photos: ['a.jpg', 'b.png'],
  'nyu-mat': ['nyu_depth_v2_labeled.mat', 'splits.mat'],
  'nyu-folder': ['sync/kitchen/rgb_00001.jpg', 'sync/kitchen/sync_depth_00001.png'],
  kitti: [
    `2011_09_26/${DRIVE}/image_02/data/0000000001.png`,
    `${DRIVE}/proj_depth/groundtruth/image_02/0000000001.png`,
  ],
  'kitti-object': ['training/image_2/000001.png', 'training/velodyne/000001.bin', 'training/calib/000001.txt'],
  sunrgbd: ['kv1/a/image/a.jpg', 'kv1/a/depth_bfx/a.png', 'kv1/a/intrinsics.txt'],
  tum: ['rgb.txt', 'depth.txt', 'rgb/1.png', 'depth/1.png'],
  moge: ['scene/one/image.jpg', 'scene/one/depth.png', 'scene/one/meta.json'],
}

describe('recogniseLayout', () => {
  it.each(Object.entries(TREES))('knows %s by its files', async (layout, files) => {
    for (const file of files) await put(join(folder.path, file), 'x')
    expect(await recogniseLayout(folder.path)).toBe(layout)
  })

  it('knows shards by what they hold, and single files', async () => {
    const h5 = await writeTar(join(folder.path, 'h5/train-0.tar'), { 'train/a/1.h5': 'x' })
    await writeTar(join(folder.path, 'web/0.tar'), { '1.jpg': 'x', '1.depth.png': 'x' })
    expect(await recogniseLayout(h5)).toBe('h5')
    expect(await recogniseLayout(join(folder.path, 'h5'))).toBe('h5')
    expect(await recogniseLayout(join(folder.path, 'web'))).toBe('webdataset')
    await put(join(folder.path, 'tree/train/kitchen/1.h5'), 'x')
    expect(await recogniseLayout(join(folder.path, 'tree'))).toBe('h5')
    expect(await recogniseLayout(await put(join(folder.path, 'any.mat'), 'x'))).toBe('nyu-mat')
  })

  it('says so when it knows nothing', async () => {
    await put(join(folder.path, 'letter.txt'), 'dear')
    await expect(recogniseLayout(folder.path)).rejects.toThrow(
      /looks like none of the layouts .*webdataset\); put its photos into rgb\/ and their depth maps into depth\//,
    )
    await expect(recogniseLayout(join(folder.path, 'letter.txt'))).rejects.toThrow(/is no data set that is known/)
    await expect(recogniseLayout(join(folder.path, 'nowhere'))).rejects.toThrow(/nowhere was not found/)
  })
})

describe('openDataset', () => {
  it('opens what a path looks like, or as told', async () => {
    await put(join(folder.path, 'rgb/1.png'), await photoPng(size))
    await put(join(folder.path, 'depth/1.png'), await storedPng(size, () => 2500))
    const dataset = await openDataset(folder.path, { name: 'mine' })
    expect([dataset.layout, dataset.length]).toEqual(['folder', 1])
    expect(metresAt(await dataset.get(0), 0, 0)).toBe(2.5)
    expect((await openDataset(folder.path, { layout: 'photos' })).layout).toBe('photos')
  })

  it('refuses options that would do nothing', async () => {
    await put(join(folder.path, 'rgb/1.png'), await photoPng(size))
    await put(join(folder.path, 'depth/1.png'), await storedPng(size, () => 2500))
    await expect(openDataset(folder.path, { list: 'x.txt' })).rejects.toThrow(
      /layout folder of .* has no option 'list'/,
    )
    await expect(openDataset(folder.path, { side: 'test' })).rejects.toThrow(DarError)
    await expect(openDataset(folder.path, { layout: 'kitti', truth: 'filled' })).rejects.toThrow(
      /kitti has no filled depth; give annotated or velodyne/,
    )
    expect((await openDataset(folder.path, { side: 'all', withoutDepth: 'keep' })).length).toBe(1)
  })

  it('says which layouts have an official split', () => {
    expect(LAYOUTS.filter((layout) => layoutTakes(layout, 'side'))).toEqual(['nyu-mat', 'sunrgbd'])
    expect(LAYOUTS.every((layout) => layoutTakes(layout, 'name'))).toBe(true)
  })

  it('feeds the training loader from its worker threads: HDF5 on disk and in shards', async () => {
    const arrays = (metres: number) => ({
      rgb: { data: new Uint8Array(144).fill(128), shape: [3, 6, 8] },
      depth: { data: new Float32Array(48).fill(metres), shape: [6, 8] },
    })
    const file = await writeHdf5(join(folder.path, 'tree/1.h5'), arrays(2))
    await writeTar(join(folder.path, 'shards/0.tar'), {
      '1.h5': await readFile(await writeHdf5(join(folder.path, 'other.h5'), arrays(4))),
    })
    expect(file).toContain('tree')
    const loader = createLoader({
      sources: ['tree', 'shards'].map((name) => ({ kind: 'dataset', name, root: join(folder.path, name), weight: 1 })),
      batch: 2,
      width: 8,
      height: 6,
      seed: 1,
    })
    try {
      for (let i = 0; i < 2; i++) {
        const { value } = await loader.next()
        const metres = value?.names.map((name, j) => [name, Math.round(value.depth[j * 48 + 20] / value.scales[j])])
        expect(metres?.sort()).toEqual([
          ['shards/1', 4],
          ['tree/1', 2],
        ])
      }
    } finally {
      await loader.dispose()
    }
    // From TypeScript sources a thread compiles both builds of the library first, megabytes of it.
  }, 300_000)
})
