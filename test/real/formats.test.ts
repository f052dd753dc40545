/**
 * The readers on real files of each published layout: medians, shares of valid pixels and cameras as measured elsewhere. Looks in
 * $DAR_REAL_DATA, else in ../shared/data beside the repository, and skips itself where neither is there. Where only single
 * files of a layout are at hand, the tree around them is made of links.
 */
import { existsSync } from 'node:fs'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Frame, officialNyuSplit, openDataset, readNyuSplit } from '../../src/data/index.ts'
import { median } from '../../src/eval/index.ts'
import { temporaryFolder } from '../temporary-folder.ts'

const data = process.env.DAR_REAL_DATA ?? fileURLToPath(new URL('../../../shared/data', import.meta.url))
const formats = join(data, 'formats')
const DRIVE = '2011_09_26_drive_0005_sync'

function figures({ depth }: Frame) {
  const sorted = depth?.data.filter((d) => d > 0).sort() ?? new Float32Array()
  const at = (q: number) => sorted[Math.floor(q * (sorted.length - 1))]
  return {
    valid: sorted.length / (depth?.data.length ?? 1),
    median: median(sorted),
    p1: at(0.01),
    p99: at(0.99),
    count: sorted.length,
  }
}

describe.skipIf(!existsSync(formats))('real files of published layouts', () => {
  let root = ''
  beforeAll(async () => {
    root = await temporaryFolder()
    const link = async (from: string, to: string) => {
      await mkdir(dirname(join(root, to)), { recursive: true })
      await symlink(join(formats, from), join(root, to))
    }
    await link('kitti/0000000005.png', `kitti/2011_09_26/${DRIVE}/image_02/data/0000000005.png`)
    await link('kitti/groundtruth_0000000005.png', `kitti/${DRIVE}/proj_depth/groundtruth/image_02/0000000005.png`)
    await link('sunrgbd/flat/SUN_color.jpg', 'sun/a/image/a.jpg')
    await link('sunrgbd/flat/SUN_depth.png', 'sun/a/depth/a.png')
    // Without it image/ and depth/ could be anyone's own.
    await link('sunrgbd/flat/SUN_depth.png', 'sun/a/depth_bfx/a.png')
    await link('tum/TUM_color.png', 'tum/rgb/1.png')
    await link('tum/TUM_depth.png', 'tum/depth/1.png')
    await writeFile(join(root, 'tum/rgb.txt'), '1.000 rgb/1.png\n')
    await writeFile(join(root, 'tum/depth.txt'), '1.010 depth/1.png\n')
  })

  it.each([
    {
      layout: 'nyu-folder',
      path: () => join(formats, 'nyu'),
      size: [640, 480],
      valid: 0.73,
      p1: 1.5,
      p99: 6.3,
      fx: 518.8579,
    },
    { layout: 'kitti', path: () => join(root, 'kitti'), size: [1242, 375], valid: 0.2, p1: 6, p99: 63, fx: null },
    {
      layout: 'kitti-object',
      path: () => join(formats, 'kitti/object'),
      size: [1242, 375],
      valid: 0.04,
      p1: 5.8,
      p99: 60,
      fx: 721.5377,
    },
    { layout: 'sunrgbd', path: () => join(root, 'sun'), size: [640, 480], valid: 0.82, p1: 1.1, p99: 8.9, fx: null },
    {
      layout: 'sunrgbd',
      path: () => join(formats, 'sunrgbd/img_0063'),
      size: [561, 427],
      valid: 0.68,
      p1: 1.5,
      p99: 2.4,
      fx: 520.532,
    },
    { layout: 'tum', path: () => join(root, 'tum'), size: [640, 480], valid: 0.81, p1: 1.5, p99: 7.3, fx: 525 },
  ])('$layout: distances in metres as in its index', async ({ layout, path, size, valid, p1, p99, fx }) => {
    const dataset = await openDataset(path())
    expect([dataset.layout, dataset.length]).toEqual([layout, 1])
    const frame = await dataset.get(0)
    const found = figures(frame)
    expect([frame.image.width, frame.image.height]).toEqual(size)
    expect([frame.depth?.width, frame.depth?.height]).toEqual(size)
    expect(found.valid).toBeCloseTo(valid, 1.9)
    expect(found.p1 / p1).toBeCloseTo(1, 1.2)
    expect(found.p99 / p99).toBeCloseTo(1, 1.5)
    if (fx === null) expect(frame.intrinsics).toBeNull()
    else expect(frame.intrinsics?.fx).toBeCloseTo(fx, 3)
  })

  it('a scan fills the pixels that an independent projection fills', async () => {
    // NumPy: x = P2 · R0 · Tr · X, rounded to the nearest pixel, 0 ≤ u < 1242, 0 ≤ v < 375.
    const frame = await (await openDataset(join(formats, 'kitti/object'))).get(0)
    expect(figures(frame).count).toBe(19_233)
  })

  it("SUN RGB-D's filled depth has no hole", async () => {
    const set = await openDataset(join(formats, 'sunrgbd/img_0063'), { truth: 'filled' })
    expect(figures(await set.get(0)).valid).toBe(1)
  })

  it('the KB crop of a real frame keeps its lower middle', async () => {
    const { image, depth } = await (await openDataset(join(root, 'kitti'), { crop: 'kb' })).get(0)
    expect([image.width, image.height, depth?.width, depth?.height]).toEqual([1216, 352, 1216, 352])
  })

  const lists = join(formats, 'splits/metric_depth/train_test_inputs')
  it('the built-in NYU split is that of the test list which everybody uses', async () => {
    const listed = await readNyuSplit(join(lists, 'nyudepthv2_test_files_with_gt.txt'), 1449)
    expect(listed.test).toEqual(officialNyuSplit().test)
    expect(listed.train).toHaveLength(795)
  })

  it.each([
    ['kitti', 'kitti_eigen_test_files_with_gt.txt', 697, 652],
    ['kitti', 'kitti_eigen_train_files_with_gt.txt', 23_158, 23_158],
    ['nyu-folder', 'nyudepthv2_train_files_with_gt.txt', 24_231, 24_231],
    ['nyu-folder', 'nyudepthv2_test_files_with_gt.txt', 654, 654],
  ] as const)('%s: %s has %d frames, %d with depth', async (layout, file, all, withDepth) => {
    const list = join(lists, file)
    expect((await openDataset(root, { layout, list })).length).toBe(all)
    expect((await openDataset(root, { layout, list, withoutDepth: 'drop' })).length).toBe(withDepth)
  })

  it('a list finds its frames', async () => {
    const list = join(root, 'list.txt')
    await writeFile(list, '/basement_0001a/rgb_00000.jpg /basement_0001a/sync_depth_00000.png 518.8579\n')
    const set = await openDataset(join(formats, 'nyu'), { list })
    expect(figures(await set.get(0)).median).toBeCloseTo(3.258, 3)
  })
})
