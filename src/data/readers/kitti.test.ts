import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { kittiDataset } from './kitti.ts'
import { kittiObjectDataset } from './kitti-object.ts'
import { metresAt, photoPng, pixelAt, put, storedPng, temporaryFolder } from './testing.ts'
import { projectScan, readVelodyne } from './velodyne.ts'

const folder = temporaryFolder()
const size = { width: 12, height: 8 }
const DRIVE = '2011_09_26_drive_0002_sync'
const photoPath = (frame: string, camera = 2) => `2011_09_26/${DRIVE}/image_0${camera}/data/${frame}.png`
const truthPath = (frame: string, camera = 2) => `${DRIVE}/proj_depth/groundtruth/image_0${camera}/${frame}.png`

async function addPhoto(frame: string, { below = '', camera = 2, ...shape } = { ...size, below: '', camera: 2 }) {
  await put(join(folder.path, below, photoPath(frame, camera)), await photoPng({ ...size, ...shape }))
}
async function addTruth(frame: string, { below = '', camera = 2, ...shape } = { ...size, below: '', camera: 2 }) {
  await put(
    join(folder.path, below, truthPath(frame, camera)),
    await storedPng({ ...size, ...shape }, (x, y) => 256 * x + 64 * y),
  )
}

// A camera of focal length 10 whose laser looks the same way: forward (x) is depth, left (y) is −u, up (z) is −v.
const AXES = '0 -1 0 0 0 -1 1 0 0'
const CAMERAS = `calib_time: 09-Jan-2012
R_rect_00: 1 0 0 0 1 0 0 0 1
P_rect_02: 10 0 6 0 0 10 4 0 0 0 1 0
P_rect_03: 10 0 6 -20 0 10 4 0 0 0 1 0
`
const calibrate = async (below = '') => {
  await put(join(folder.path, below, '2011_09_26/calib_cam_to_cam.txt'), CAMERAS)
  await put(join(folder.path, below, '2011_09_26/calib_velo_to_cam.txt'), `R: ${AXES}\nT: 0 0 0.5\n`)
}
const scan = (...points: number[][]) => new Uint8Array(Float32Array.from(points.flatMap((p) => [...p, 0.3])).buffer)

describe('kittiDataset', () => {
  it('pairs annotated depth with the photos of the raw drives, ÷ 256, with the calibrated camera', async () => {
    await addPhoto('0000000005', { ...size, below: 'raw', camera: 2 })
    await addTruth('0000000005', { ...size, below: 'train', camera: 2 })
    await calibrate('raw')
    const dataset = await kittiDataset(folder.path, { name: 'kitti' })
    expect(dataset.names).toEqual([`2011_09_26/${DRIVE}/image_02/data/0000000005`])
    const frame = await dataset.get(0)
    expect(metresAt(frame, 3, 2)).toBe(3.5)
    expect(frame.intrinsics).toEqual({ fx: 10, fy: 10, cx: 6, cy: 4 })
  })

  it('reads an Eigen list: None is no depth, the focal length stands in for a calibration file', async () => {
    for (const frame of ['0000000005', '0000000006']) await addPhoto(frame)
    await addTruth('0000000005')
    const list = await put(
      join(folder.path, 'eigen.txt'),
      `${photoPath('0000000005')} ${truthPath('0000000005')} 721.5377\n${photoPath('0000000006')} None 721.5377\n`,
    )
    const dataset = await kittiDataset(folder.path, { list })
    expect(dataset.notes).toEqual(['1 of 2 listed frames have no depth map'])
    const [first, second] = [await dataset.get(0), await dataset.get(1)]
    expect(metresAt(first, 3, 2)).toBe(3.5)
    expect(first.intrinsics).toEqual({ fx: 721.5377, fy: 721.5377, cx: 5.5, cy: 3.5 })
    expect(second.depth).toBeNull()
    const dropped = await kittiDataset(folder.path, { list, withoutDepth: 'drop' })
    expect([dropped.length, dropped.notes]).toEqual([1, ['1 of 2 listed frames have no depth map; left out']])
    await expect(kittiDataset(folder.path, { list, truth: 'velodyne' })).rejects.toThrow(
      /a split file lists annotated depth/,
    )
  })

  it('cuts the KB crop from photo, depth and camera together', async () => {
    const large = { width: 1242, height: 375, below: '', camera: 2 }
    await addPhoto('0000000005', large)
    await addTruth('0000000005', large)
    await calibrate()
    const whole = await (await kittiDataset(folder.path)).get(0)
    const frame = await (await kittiDataset(folder.path, { crop: 'kb' })).get(0)
    expect([frame.image.width, frame.image.height, frame.depth?.width, frame.depth?.height]).toEqual([
      1216, 352, 1216, 352,
    ])
    expect(pixelAt(frame, 0, 0)).toEqual(pixelAt(whole, 13, 23))
    expect(metresAt(frame, 100, 351)).toBe(metresAt(whole, 113, 374))
    expect(frame.intrinsics).toEqual({ fx: 10, fy: 10, cx: 6 - 13, cy: 4 - 23 })
    await addPhoto('0000000005')
    await expect((await kittiDataset(folder.path, { crop: 'kb' })).get(0)).rejects.toThrow(
      /is 12×8, smaller than the KB crop/,
    )
  })

  it('names an annotated frame without photo, or notes it; and a tree without annotations', async () => {
    await addTruth('0000000005')
    await addTruth('0000000006')
    await addPhoto('0000000006')
    await expect(kittiDataset(folder.path)).rejects.toThrow(
      /1 of 2 annotated frames have no photo, first .*0000000005\.png/,
    )
    expect((await kittiDataset(folder.path, { incomplete: 'note' })).length).toBe(1)
    await rm(join(folder.path, DRIVE), { recursive: true })
    await expect(kittiDataset(folder.path)).rejects.toThrow(/no annotated depth/)
  })

  it('projects the single scans of a raw drive into either camera', async () => {
    await addPhoto('0000000005')
    await addPhoto('0000000005', { ...size, below: '', camera: 3 })
    await calibrate()
    // 4.5 m ahead of the laser is 5 m ahead of the camera (T); at 5 m, 10 pixels per 5 m.
    await put(
      join(folder.path, `2011_09_26/${DRIVE}/velodyne_points/data/0000000005.bin`),
      scan([4.5, 0, 0], [4.5, -1, 0.5]),
    )
    const dataset = await kittiDataset(folder.path, { truth: 'velodyne' })
    expect(dataset.length).toBe(2)
    const [left, right] = [await dataset.get(0), await dataset.get(1)]
    expect(metresAt(left, 6, 4)).toBe(5)
    expect(metresAt(left, 8, 3)).toBe(5)
    expect(left.depth?.data.filter((d) => d > 0)).toHaveLength(2)
    // The right camera's P moves points by −20 / 5 pixels.
    expect(metresAt(right, 2, 4)).toBe(5)
  })
})

describe('projectScan', () => {
  const projection = [10, 0, 6, 0, 0, 10, 4, 0, 0, 0, 1, 0]
  it('lets the nearest point of a pixel win, in any order, and drops what is behind or outside', () => {
    const points = (...list: number[][]) => Float32Array.from(list.flatMap((p) => [...p, 1]))
    for (const order of [
      [
        [0, 0, 9],
        [0, 0, 3],
        [0, 0, 5],
      ],
      [
        [0, 0, 3],
        [0, 0, 9],
        [0, 0, 5],
      ],
    ]) {
      const { data } = projectScan(points(...order, [0, 0, -2], [9, 0, 2], [0, 0, 0]), projection, 12, 8)
      expect(data[4 * 12 + 6]).toBe(3)
      expect(data.filter((d) => d !== 0)).toHaveLength(1)
    }
  })

  it('puts a point into the pixel whose centre is nearest', () => {
    // u = 10·x/z + 6 = 6.49 and 6.51 at z = 10.
    const { data } = projectScan(Float32Array.of(0.49, 0, 10, 0, 0.51, 0, 10, 0), projection, 12, 8)
    expect([data[4 * 12 + 6], data[4 * 12 + 7]]).toEqual([10, 10])
  })
})

describe('kittiObjectDataset', () => {
  const CALIB = `P2: 10 0 6 0 0 10 4 0 0 0 1 0\nR0_rect: 1 0 0 0 1 0 0 0 1\nTr_velo_to_cam: 0 -1 0 0 0 0 -1 0 1 0 0 0\n`
  async function addFrame(below = 'training') {
    await put(join(folder.path, below, 'image_2/0000000001.png'), await photoPng(size))
    await put(join(folder.path, below, 'velodyne/0000000001.bin'), scan([5, 0, 0]))
    await put(join(folder.path, below, 'calib/000001.txt'), CALIB)
  }

  it('projects a scan by the calibration of the same number, however it is padded', async () => {
    await addFrame()
    const dataset = await kittiObjectDataset(folder.path)
    expect(dataset.names).toEqual(['0000000001'])
    const frame = await dataset.get(0)
    expect(metresAt(frame, 6, 4)).toBe(5)
    expect(frame.intrinsics).toEqual({ fx: 10, fy: 10, cx: 6, cy: 4 })
  })

  it('names a missing folder, a frame that is not whole, a broken scan or calibration', async () => {
    await expect(kittiObjectDataset(folder.path)).rejects.toThrow(/cannot list .*image_2/)
    await addFrame('')
    await put(join(folder.path, 'image_2/000002.png'), await photoPng(size))
    await expect(kittiObjectDataset(folder.path)).rejects.toThrow(/1 of 2 photos in .* have no scan/)
    const dataset = await kittiObjectDataset(folder.path, { incomplete: 'note' })
    await writeFile(join(folder.path, 'velodyne/0000000001.bin'), new Uint8Array(17))
    await expect(dataset.get(0)).rejects.toThrow(/0000000001\.bin has 17 bytes/)
    await expect(readVelodyne(join(folder.path, 'velodyne/0000000001.bin'))).rejects.toThrow(/17 bytes/)
    await writeFile(join(folder.path, 'velodyne/0000000001.bin'), scan([5, 0, 0]))
    await writeFile(join(folder.path, 'calib/000001.txt'), CALIB.replace('P2', 'P9'))
    await expect(dataset.get(0)).rejects.toThrow(/000001\.txt has no line 'P2:'/)
    await writeFile(join(folder.path, 'calib/000001.txt'), CALIB.replace('R0_rect: 1', 'R0_rect:'))
    await expect(dataset.get(0)).rejects.toThrow(/000001\.txt: 'R0_rect' does not hold 9 numbers/)
  })
})
