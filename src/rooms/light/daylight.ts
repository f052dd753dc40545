/** Ambient light and the sun. */
import type { Random } from '../../support/random.ts'
import { hsv, mix, type Rgb, scaled } from '../materials/materials.ts'
import type { SunWindow } from '../plan/openings.ts'
import type { Vector } from '../solids/primitives.ts'

/** Direction to the sun, its irradiance, and the windows it shines through. */
export interface Sun {
  readonly direction: Vector
  readonly colour: Rgb
  readonly windows: readonly SunWindow[]
}

export interface Daylight {
  /** Null at night, and when the sun does not shine into the room. */
  readonly sun: Sun | null
  readonly ambient: Rgb
  /** Ambient light on surfaces that face down. */
  readonly ambientDown: Rgb
}

export function daylight(random: Random, day: boolean, windows: readonly SunWindow[]): Daylight {
  const power = day ? random.uniform(0.12, 0.45) : random.uniform(0.05, 0.2)
  const tint = hsv(random.chance(0.6) ? 0.09 : 0.6, random.uniform(0, 0.25), 1)
  const ambient = scaled(tint, power)
  let sun: Sun | null = null
  if (day && windows.length > 0 && random.chance(0.5)) {
    const from = random.pick(windows)
    const side = random.uniform(-1, 1)
    const direction = unit([
      -from.normal[0] + side * from.along[0],
      -from.normal[1] + side * from.along[1],
      random.uniform(0.3, 1.4),
    ])
    const strength = random.uniform(1.5, 6)
    sun = { direction, colour: [strength, strength * 0.92, strength * 0.8], windows }
  }
  const ambientDown = scaled(
    mix(ambient, [ambient[0], ambient[1] * 0.85, ambient[2] * 0.7], 0.6),
    random.uniform(0.5, 0.95),
  )
  return { sun, ambient, ambientDown }
}

function unit(v: Vector): Vector {
  const length = Math.sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2])
  return [v[0] / length, v[1] / length, v[2] / length]
}
