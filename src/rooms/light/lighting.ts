/** Lights of a room, at most four: skylight through its windows, and ceiling lamps. */
import type { SceneBuilder } from '../builder.ts'
import { hsv, material, type Rgb } from '../materials/materials.ts'
import type { FloorPlan } from '../plan/floor-plan.ts'
import type { SunWindow } from '../plan/openings.ts'
import { Pose } from '../solids/primitives.ts'

/** Adds the skylight of the first two windows. Adds ceiling lamps where there are no windows, or by chance. */
export function lamps(s: SceneBuilder, plan: FloorPlan, height: number, windows: readonly SunWindow[]): void {
  const { random } = s
  const overhead = windows.length === 0 || random.chance(0.35)
  for (const window of windows.slice(0, 2)) skylight(s, window)
  const first = plan.rects[0]
  const n = overhead ? random.integer(1, 3) : 0
  for (let i = 0; i < n; i++) {
    const x = first.x0 + (first.x1 - first.x0) * (n === 1 ? random.uniform(0.35, 0.65) : 0.25 + 0.5 * i)
    const y = first.y0 + (first.y1 - first.y0) * random.uniform(0.3, 0.7)
    const warm = random.chance(0.6)
      ? hsv(random.uniform(0.07, 0.12), random.uniform(0.05, 0.4), 1)
      : hsv(0.58, random.uniform(0, 0.12), 1)
    const power = random.uniform(0.8, 3) / n
    const glow = s.add(material(random, { base: warm, emission: random.uniform(2, 6) }))
    const f = new Pose(x, y, height, random.chance(0.5) ? 0 : Math.PI / 2)
    const kind = random.uniform()
    hangLamp(s, f, kind < 0.35 ? 'bowl' : kind < 0.65 ? 'panel' : 'pendant', { glow, warm, power })
  }
}

export type LampDesign = 'bowl' | 'panel' | 'pendant'

export interface LampLight {
  /** Material of its bright surface. */
  readonly glow: number
  readonly warm: Rgb
  readonly power: number
}

/** A lamp at a ceiling: its shape and its light. The frame is at the ceiling's height. */
export function hangLamp(s: SceneBuilder, f: Pose, design: LampDesign, { glow, warm, power }: LampLight): void {
  const { random, style } = s
  if (design === 'bowl') {
    s.post(f, [0, 0, -0.07], 0.18, 0.07, glow, { castsShadow: false })
    s.bulb(f.at(0, 0, -0.12), 0.18, power, warm)
  } else if (design === 'panel') {
    s.box(f, [0, 0, -0.03], [1.2, 0.25, 0.06], glow, { castsShadow: false })
    s.lights.push({
      centre: [f.x, f.y, f.z - 0.07],
      u: f.yaw === 0 ? [0.6, 0, 0] : [0, 0.6, 0],
      v: f.yaw === 0 ? [0, 0.12, 0] : [0.12, 0, 0],
      normal: [0, 0, -1],
      colour: scaledFree(warm, power * 1.6),
    })
  } else {
    const drop = random.uniform(0.3, 0.8)
    const r = random.uniform(0.1, 0.25)
    s.post(f, [0, 0, -drop], 0.006, drop, style.dark, { castsShadow: false })
    s.ball(f, [0, 0, -drop], [r, r, r * random.uniform(0.6, 1)], glow, { castsShadow: false })
    s.bulb(f.at(0, 0, -drop), r, power, warm)
  }
}

/** The light of a window, from just inside its pane. */
export function skylight(s: SceneBuilder, { centre: c, normal, along, halfWidth, halfHeight }: SunWindow): void {
  const { random } = s
  const power = random.uniform(0.6, 1.8) * Math.min(4 * halfWidth * halfHeight, 2.5)
  s.lights.unshift({
    centre: [c[0] + 0.05 * normal[0], c[1] + 0.05 * normal[1], c[2]],
    u: [along[0] * halfWidth, along[1] * halfWidth, 0],
    v: [0, 0, halfHeight],
    normal,
    colour: scaledFree(hsv(random.uniform(0.5, 0.62), random.uniform(0, 0.15), 1), power),
  })
}

function scaledFree(c: Rgb, k: number): Rgb {
  return [c[0] * k, c[1] * k, c[2] * k]
}
