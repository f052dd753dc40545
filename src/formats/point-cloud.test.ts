import { describe, expect, it } from 'vitest'
import { DarError } from '../support/errors.ts'
import { strideFor, toPointCloud } from './point-cloud.ts'
import { boxBeforeWall, camera, photo } from './testing.ts'

describe('toPointCloud', () => {
  it('puts every pixel on its ray: x right, y down, z forward', () => {
    const depth = boxBeforeWall()
    const { count, positions, colours } = toPointCloud(depth, camera, { rgb: photo() })
    expect(count).toBe(24 * 16)
    const [u, v] = [20, 3]
    const i = v * 24 + u
    const point = [...positions.subarray(3 * i, 3 * i + 3)]
    expect(point[0]).toBeCloseTo((u - 11.5) / 40, 6)
    expect(point[1]).toBeCloseTo((v - 7.5) / 50, 6)
    expect(point[2]).toBe(1)
    expect(colours).toEqual(photo().data)
  })

  it('comes back to the pixels that it is from', () => {
    const { positions } = toPointCloud(boxBeforeWall(), camera)
    for (let i = 0; i < positions.length / 3; i++) {
      const [x, y, z] = positions.subarray(3 * i, 3 * i + 3)
      expect((x / z) * camera.fx + camera.cx).toBeCloseTo(i % 24, 4)
      expect((y / z) * camera.fy + camera.cy).toBeCloseTo(Math.floor(i / 24), 4)
    }
  })

  it('leaves out what has no depth, what is too far, and pixels between strides', () => {
    const depth = boxBeforeWall()
    depth.data.set([0, Number.NaN, Number.POSITIVE_INFINITY, -1])
    expect(toPointCloud(depth, camera).count).toBe(24 * 16 - 4)
    expect(toPointCloud(depth, camera, { maxDepth: 1.5 }).count).toBe(12 * 16)
    const { count, positions, colours } = toPointCloud(boxBeforeWall(), camera, { stride: 5 })
    expect([count, positions.length, colours]).toEqual([5 * 4, 3 * 5 * 4, null])
  })

  it.each([
    [{ ...camera, fx: 0 }, {}, /the camera has fx 0/],
    [{ ...camera, cx: Number.NaN }, {}, /cx NaN/],
    [camera, { stride: 0.5 }, /stride is 0\.5; give a whole number/],
    [camera, { maxDepth: 0 }, /maxDepth is 0/],
    [camera, { rgb: photo({ width: 12 }) }, /the photo is 12×16 and the depth map 24×16/],
  ])('refuses %j with %j', (intrinsics, options, message) => {
    const cloud = () => toPointCloud(boxBeforeWall(), intrinsics, options)
    expect(cloud).toThrow(DarError)
    expect(cloud).toThrow(message)
  })
})

describe('strideFor', () => {
  it.each([
    [640, 480, 500_000, 1],
    [4000, 3000, 500_000, 5],
    [4000, 3000, 12_000_000, 1],
    [3, 1, 1, 3],
  ])('of %i×%i for %i is %i', (width, height, most, stride) => {
    expect(strideFor({ width, height }, most)).toBe(stride)
    expect(Math.ceil(width / stride) * Math.ceil(height / stride)).toBeLessThanOrEqual(most)
  })
})
