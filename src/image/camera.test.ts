import { describe, expect, it } from 'vitest'
import { CANONICAL_FOCAL, canonicalScale, relativeFocal, relativeFocalFrom35 } from './camera.ts'

describe('camera', () => {
  it('reads a 26 mm equivalent lens as the canonical one, so that its metres are left alone', () => {
    expect(relativeFocalFrom35(26)).toBeCloseTo(CANONICAL_FOCAL, 12)
    expect(canonicalScale(relativeFocalFrom35(26))).toBeCloseTo(1, 12)
  })

  it('leaves metres alone when the camera is unknown', () => {
    expect(canonicalScale(null)).toBe(1)
  })

  it('shrinks the labels of a longer lens, which makes things look nearer than they are', () => {
    expect(canonicalScale(relativeFocalFrom35(52))).toBeCloseTo(0.5, 12)
  })

  it('gives the same focal length at every resolution of one camera', () => {
    const full = relativeFocal({ fx: 518.9, fy: 519.5, cx: 325.6, cy: 253.7 }, 640, 480)
    const half = relativeFocal({ fx: 259.45, fy: 259.75, cx: 162.8, cy: 126.85 }, 320, 240)
    expect(half).toBeCloseTo(full, 12)
    // sqrt(518.9 * 519.5) / 800
    expect(full).toBeCloseTo(0.649, 3)
  })

  it('sees 67 degrees across a 4:3 image through the canonical lens', () => {
    const fieldOfView = 2 * Math.atan(0.8 / 2 / CANONICAL_FOCAL) * (180 / Math.PI)
    expect(fieldOfView).toBeCloseTo(67.3, 1)
  })
})
