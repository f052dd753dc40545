import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DarError } from '../support/errors.ts'
import { chooseSize, judgeShape, nearestShape, networkSize, parseSize } from './size.ts'
import type { Size } from './types.ts'

const NANO = { width: 256, height: 192 }

/** The formula at every size that is allowed. */
function searched(image: Size, budget: Size, multiple: number): Size {
  const least = Math.ceil(64 / multiple)
  const area = budget.width * budget.height
  const most = Math.max(least * least, Math.floor((1.15 * area) / multiple ** 2))
  let best = { width: 0, height: 0 }
  let lowest = Number.POSITIVE_INFINITY
  for (let rows = least; rows * least <= most; rows++)
    for (let columns = least; rows * columns <= most; columns++) {
      const squeeze = Math.abs(Math.log(columns / rows / (image.width / image.height)))
      const cost = squeeze + 0.25 * Math.abs(Math.log((rows * columns * multiple ** 2) / area))
      if (cost >= lowest) continue
      lowest = cost
      best = { width: columns * multiple, height: rows * multiple }
    }
  return best
}

describe('networkSize', () => {
  it.each([
    ['4:3', 640, 480, 256, 192],
    ['3:4', 3000, 4000, 192, 256],
    ['16:9', 1920, 1080, 288, 160],
    ['9:16', 1080, 1920, 160, 288],
    ['3:2', 600, 400, 288, 192],
    ['square', 17, 17, 224, 224],
  ])('fits %s (%i×%i) into %i×%i', (_, width, height, networkWidth, networkHeight) => {
    expect(networkSize({ width, height }, NANO, 32)).toEqual({ width: networkWidth, height: networkHeight })
  })

  it('keeps to the multiples of a patch size that is no power of two', () => {
    expect(networkSize({ width: 640, height: 480 }, { width: 518, height: 392 }, 14)).toEqual({
      width: 518,
      height: 392,
    })
  })

  it('squeezes extreme shapes into sides of at least 64 pixels', () => {
    expect(networkSize({ width: 30000, height: 10 }, NANO, 32).height).toBe(64)
    expect(networkSize({ width: 1, height: 5000 }, NANO, 32).width).toBe(64)
  })

  it('gives the smallest network for a budget below it', () => {
    expect(networkSize({ width: 640, height: 480 }, { width: 10, height: 10 }, 32)).toEqual({ width: 64, height: 64 })
  })

  it('obeys multiples, least side and budget for every image, model and budget', () => {
    const side = fc.integer({ min: 1, max: 20_000 })
    const budgetSide = fc.integer({ min: 1, max: 600 })
    fc.assert(
      fc.property(side, side, budgetSide, budgetSide, fc.constantFrom(14, 16, 32), (width, height, w, h, multiple) => {
        const size = networkSize({ width, height }, { width: w, height: h }, multiple)
        const least = Math.ceil(64 / multiple) * multiple
        expect([size.width % multiple, size.height % multiple]).toEqual([0, 0])
        expect(Math.min(size.width, size.height)).toBeGreaterThanOrEqual(least)
        expect(size.width * size.height).toBeLessThanOrEqual(Math.max(least ** 2, 1.15 * w * h))
      }),
      { numRuns: 200 },
    )
  })

  it('is the best of all sizes, as a search through them finds', () => {
    const side = fc.integer({ min: 1, max: 20_000 })
    const budgetSide = fc.integer({ min: 1, max: 500 })
    fc.assert(
      fc.property(side, side, budgetSide, budgetSide, fc.constantFrom(14, 16, 32), (width, height, w, h, multiple) => {
        const [image, budget] = [
          { width, height },
          { width: w, height: h },
        ]
        expect(networkSize(image, budget, multiple)).toEqual(searched(image, budget, multiple))
      }),
      { numRuns: 200 },
    )
  })

  it('ends for the largest budget and the smallest multiple', () => {
    for (const aspect of [1, 1000, 0.001])
      expect(
        networkSize({ width: 1000 * aspect, height: 1000 }, { width: 2048, height: 2048 }, 1).width,
      ).toBeGreaterThan(63)
  })

  it('squeezes an ordinary photo by less than a tenth', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.45, max: 2.2, noNaN: true }), (aspect) => {
        const { width, height } = networkSize({ width: 1000 * aspect, height: 1000 }, NANO, 32)
        expect(Math.abs(Math.log(width / height / aspect))).toBeLessThan(0.1)
      }),
    )
  })
})

describe('parseSize', () => {
  it('reads width and height in this order', () => {
    expect(parseSize('256x192', 'm.safetensors')).toEqual(NANO)
  })

  it.each(['256', '256×192', '0x5', '-1x5', '1e3x5', '256x192x3', '', '99999x5'])('refuses %j', (text) => {
    expect(() => parseSize(text, 'm.safetensors')).toThrow(DarError)
    expect(() => parseSize(text, 'm.safetensors')).toThrow(/^m\.safetensors: the size '.*for example 256x192$/)
  })
})

describe('nearestShape', () => {
  const trained = [NANO, { width: 192, height: 256 }]

  it.each([
    ['16:9', 1920, 1080, 256],
    ['3:2', 540, 360, 256],
    ['3:4', 3000, 4000, 192],
    ['a tall strip', 10, 4000, 192],
  ])('gives %s (%i×%i) the trained size of the nearest shape', (_, width, height, networkWidth) => {
    expect(nearestShape({ width, height }, trained).width).toBe(networkWidth)
  })

  it('takes the first for a square', () => {
    expect(nearestShape({ width: 50, height: 50 }, trained)).toEqual(NANO)
  })
})

describe('chooseSize', () => {
  const trainedSizes = [NANO, { width: 192, height: 256 }, { width: 384, height: 288 }]
  const model = { name: 'm', size: NANO, trainedSizes, multiple: 16 }
  const photo = { width: 640, height: 480 }

  it.each([
    ['nothing', undefined, 256, false],
    ['a trained size', { width: 384, height: 288 }, 384, false],
    ['one a little larger', { width: 400, height: 300 }, 384, false],
    ['one far beyond', { width: 1280, height: 960 }, 384, true],
    ['one far below', { width: 64, height: 48 }, 256, true],
    ['the other shape of a trained one', { width: 192, height: 256 }, 256, false],
  ])('asked for %s takes the nearest trained size, and says when that is another', (_, asked, width, says) => {
    const { network, warning } = chooseSize(photo, asked, model)
    expect(network.width).toBe(width)
    expect(warning !== null).toBe(says)
  })

  it('takes any size of a model that states none, and says what is not known', () => {
    const open = { ...model, trainedSizes: [] }
    expect(chooseSize(photo, undefined, open)).toEqual({ network: NANO, warning: null })
    expect(chooseSize(photo, NANO, open).warning).toBe(null)
    const { network, warning } = chooseSize(photo, { width: 512, height: 384 }, open)
    expect(network).toEqual({ width: 512, height: 384 })
    expect(warning).toMatch(/^m does not state the sizes .* 512x384 .* 256x192$/)
  })

  it('is never surprised by the size of an image', () => {
    const side = fc.integer({ min: 1, max: 100_000 })
    fc.assert(
      fc.property(side, side, (width, height) => {
        const { network } = chooseSize({ width, height }, { width: 300, height: 300 }, model)
        expect(trainedSizes).toContain(network)
      }),
    )
  })
})

describe('judgeShape', () => {
  it.each([
    ['4:3', 640, 480, false],
    ['16:9', 1920, 1080, false],
    ['KITTI', 1242, 375, false],
    ['a portrait', 3000, 4000, false],
    ['a panorama', 4000, 900, true],
    ['a strip', 4000, 3, true],
    ['a tall strip', 3, 4000, true],
    ['a few pixels', 12, 9, true],
  ])('of %s (%i×%i) warns: %s', (_, width, height, warns) => {
    const network = nearestShape({ width, height }, [NANO, { width: 192, height: 256 }])
    expect(judgeShape({ width, height }, network) !== null).toBe(warns)
  })
})
