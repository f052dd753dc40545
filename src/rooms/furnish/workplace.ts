/**
 * What stands on a desk where somebody works: screens, a keyboard, a mouse, papers. Their sizes hardly differ in the world, so they
 * tell how near a desk is. Frames as in `seats.ts`, at the back edge of the desk.
 */
import type { SceneBuilder } from '../builder.ts'
import { isTable } from '../catalogue/roles.ts'
import type { Piece } from '../catalogue/sh3f.ts'
import { hsv, type Material, material, Pattern, paper } from '../materials/materials.ts'
import type { Pose } from '../solids/primitives.ts'
import { monitor } from './seats.ts'

/** A circle on a top that is taken, from the middle of the top. */
export interface Spot {
  readonly x: number
  readonly y: number
  readonly r: number
}

export function isWorkHeight(top: number | null): boolean {
  return top !== null && top > 0.66 && top < 0.8
}

/** A desk on which a screen has a place. */
export function isDesk(piece: Piece): boolean {
  return isTable(piece) && /desk/.test(piece.name) && isWorkHeight(piece.top) && piece.width > 0.8 && piece.depth > 0.45
}

/** Places of `screens` screens at the back of a desk. */
export function screenSpots(desk: Piece, screens: number): Spot[] {
  const y = -desk.depth / 2 + 0.2
  const places = screens === 0 ? [] : screens === 1 || desk.width < 1.3 ? [0] : [-0.3, 0.3]
  return places.map((x) => ({ x, y, r: 0.25 }))
}

/** Screens at these spots of the desk whose back edge is at `f`, with what belongs to them. */
export function workplace(s: SceneBuilder, f: Pose, desk: Piece, spots: readonly Spot[]): void {
  const { random } = s
  const top = f.at(0, desk.depth / 2, (desk.top ?? desk.height) + 0.001)
  for (const { x, y } of spots) {
    const at = top.at(x, y, 0, random.normal(0, 0.12))
    monitor(s, at, random.uniform(0.42, 0.58))
    s.screen(at)
  }
  if (spots.length === 0) return
  const middle = spots.reduce((sum, { x }) => sum + x, 0) / spots.length + random.normal(0, 0.04)
  const near = Math.min(spots[0].y + random.uniform(0.22, 0.36), desk.depth / 2 - 0.09)
  if (random.chance(0.85)) {
    const wide = random.pick([0.44, 0.44, 0.36])
    s.box(top.at(middle, near, 0, random.normal(0, 0.06)), [0, 0, 0.01], [wide, 0.14, 0.02], s.add(keys(s)))
    s.ball(
      top.at(middle + wide / 2 + 0.09, near + random.normal(0, 0.02), 0),
      [0, 0, 0.012],
      [0.03, 0.055, 0.018],
      s.style.dark,
    )
  }
  for (let i = random.integer(0, 4); i > 0; i--) {
    const [x, y] = [random.uniform(-0.4, 0.4) * desk.width, random.uniform(-0.1, 0.3) * desk.depth]
    s.slab(top.at(x, y, 0.0005 * i, random.uniform(0, 6.2832)), [0, 0, 0.001], 0.21, 0.297, s.add(paper(random)))
  }
}

/** Keys of 19 mm. */
function keys({ random }: SceneBuilder): Material {
  const base = random.chance(0.6) ? hsv(0, 0, random.uniform(0.1, 0.25)) : hsv(0.12, 0.05, random.uniform(0.7, 0.95))
  const gap = hsv(0, 0, random.uniform(0.03, 0.4))
  return material(random, { pattern: Pattern.tiles, base, third: gap, scale: 0.019, scale2: 0.019 })
}
