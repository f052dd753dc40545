/**
 * Lights of a home: skylight through each of its windows, and lamps in each of its rooms, in a long room one every two or
 * three metres. There are more than a picture needs; `relevant-lights.ts` chooses.
 */
import type { SceneBuilder } from '../builder.ts'
import { hsv, material } from '../materials/materials.ts'
import type { Home, Part } from '../plan/home.ts'
import type { SunWindow } from '../plan/openings.ts'
import { Pose } from '../solids/primitives.ts'
import { hangLamp, type LampDesign, skylight } from './lighting.ts'

/** Windows per room whose light counts. */
const MOST_WINDOWS = 2

/** By use of the room: how likely its lamps are on although it has daylight, and although it is a room beyond a door. */
const LIT: Readonly<Record<Part['use'], readonly [number, number]>> = {
  room: [0.35, 0.75],
  dining: [0.5, 0.85],
  desks: [0.75, 0.9],
  hall: [0.6, 0.9],
}

const DESIGNS: readonly LampDesign[] = ['bowl', 'panel', 'pendant', 'pendant']

export function homeLamps(s: SceneBuilder, { parts, height }: Home, windows: readonly SunWindow[]): void {
  const { random } = s
  for (const part of parts) {
    const { x0, y0, x1, y1 } = part.rect
    const own = windows.filter(({ centre: [x, y] }) => x > x0 && x < x1 && y > y0 && y < y1).slice(0, MOST_WINDOWS)
    for (const window of own) skylight(s, window)
    const [byDay, beyond] = LIT[part.use]
    const main = part === parts[0] || part.open
    if (random.chance(own.length > 0 ? byDay : main ? 1 : beyond)) lampsOf(s, part, height)
  }
}

/** Equal lamps in a row along the room, in two rows over desks. */
function lampsOf(s: SceneBuilder, { rect: { x0, y0, x1, y1 }, use }: Part, height: number): void {
  const { random } = s
  const [w, d] = [x1 - x0, y1 - y0]
  const design =
    use === 'desks' ? 'panel' : use === 'hall' ? random.pick(['bowl', 'panel'] as const) : random.pick(DESIGNS)
  const warm = random.chance(use === 'desks' ? 0.2 : 0.6)
    ? hsv(random.uniform(0.07, 0.12), random.uniform(0.05, 0.4), 1)
    : hsv(0.58, random.uniform(0, 0.12), 1)
  const glow = s.add(material(random, { base: warm, emission: random.uniform(2, 6) }))
  const long = Math.max(w, d)
  const n = Math.max(Math.round(long / random.uniform(2.2, 4)), 1)
  const rows = use === 'desks' && Math.min(w, d) > 4 ? 2 : 1
  const power = random.uniform(0.9, 2.6) / Math.sqrt(Math.max(rows * n, 1))
  for (let row = 0; row < rows; row++)
    for (let i = 0; i < n; i++) {
      const along = (i + (n === 1 ? random.uniform(0.35, 0.65) : 0.5)) / n
      const across = (row + (rows === 1 ? random.uniform(0.42, 0.58) : 0.5)) / rows
      const [x, y] = w >= d ? [x0 + along * w, y0 + across * d] : [x0 + across * w, y0 + along * d]
      hangLamp(s, new Pose(x, y, height, w >= d ? 0 : Math.PI / 2), design, { glow, warm, power })
    }
}
