/**
 * The outline of a room: a union of axis-aligned rectangles. This gives L-shapes, alcoves, columns, corridors, and two
 * rooms joined by a doorway. Walls are found on the grid of all edges: a cell edge is a wall where inside meets
 * outside.
 */
import type { Random } from '../../support/random.ts'
import { Pose } from '../solids/primitives.ts'

export interface Rect {
  readonly x0: number
  readonly y0: number
  readonly x1: number
  readonly y1: number
}

export interface Wall {
  /** Origin at the wall's start, x along it, y into the room. */
  readonly frame: Pose
  readonly length: number
  /**
   * Parts already used by doors, windows and pictures: from, to (metres along the wall), and the height above which
   * they are used.
   */
  readonly taken: [number, number, number][]
  /** Windows that are cut into it: from, to along the wall, and from, to above the floor, metres. */
  readonly holes: [number, number, number, number][]
}

export class FloorPlan {
  readonly rects: readonly Rect[]
  /** Rectangles cut out of the union: columns and chimney breasts. */
  readonly holes: readonly Rect[]
  readonly walls: Wall[]
  /** Ground covered by furniture. */
  readonly occupied: Rect[] = []
  /** Doorways, which get a lintel. */
  readonly necks: readonly Rect[]

  constructor(rects: readonly Rect[], holes: readonly Rect[], necks: readonly Rect[]) {
    this.rects = rects
    this.holes = holes
    this.necks = necks
    this.walls = this.findWalls()
  }

  inside(x: number, y: number): boolean {
    const within = (r: Rect) => x > r.x0 && x < r.x1 && y > r.y0 && y < r.y1
    return this.rects.some(within) && !this.holes.some(within)
  }

  /** Bounding rectangle. */
  extent(): Rect {
    return {
      x0: Math.min(...this.rects.map((r) => r.x0)),
      y0: Math.min(...this.rects.map((r) => r.y0)),
      x1: Math.max(...this.rects.map((r) => r.x1)),
      y1: Math.max(...this.rects.map((r) => r.y1)),
    }
  }

  /** Whether `r` lies inside the outline, free of furniture. */
  free(r: Rect): boolean {
    for (let i = 0; i <= 4; i++)
      for (let j = 0; j <= 4; j++) {
        if (!this.inside(r.x0 + ((r.x1 - r.x0) * (i + 0.01)) / 4.02, r.y0 + ((r.y1 - r.y0) * (j + 0.01)) / 4.02))
          return false
      }
    return !this.occupied.some((o) => r.x0 < o.x1 && r.x1 > o.x0 && r.y0 < o.y1 && r.y1 > o.y0)
  }

  private findWalls(): Wall[] {
    const all = [...this.rects, ...this.holes]
    const axis = (values: number[]) => [...new Set(values)].sort((a, b) => a - b)
    const xs = axis(all.flatMap((r) => [r.x0, r.x1]))
    const ys = axis(all.flatMap((r) => [r.y0, r.y1]))
    const cell = (i: number, j: number) =>
      i >= 0 &&
      j >= 0 &&
      i < xs.length - 1 &&
      j < ys.length - 1 &&
      this.inside((xs[i] + xs[i + 1]) / 2, (ys[j] + ys[j + 1]) / 2)
    const walls: Wall[] = []
    const add = (x0: number, y0: number, x1: number, y1: number) => {
      const yaw = Math.atan2(y1 - y0, x1 - x0)
      walls.push({
        frame: new Pose(x0, y0, 0, yaw),
        length: Math.abs(x1 - x0) + Math.abs(y1 - y0),
        taken: [],
        holes: [],
      })
    }
    // Runs of wall along each grid line; the room is on the left of the direction of travel.
    for (let j = 0; j < ys.length; j++)
      for (const up of [true, false]) {
        let from = -1
        for (let i = 0; i < xs.length; i++) {
          const wall = i < xs.length - 1 && (up ? cell(i, j) && !cell(i, j - 1) : cell(i, j - 1) && !cell(i, j))
          if (wall && from < 0) from = i
          if (!wall && from >= 0) {
            if (up) add(xs[from], ys[j], xs[i], ys[j])
            else add(xs[i], ys[j], xs[from], ys[j])
            from = -1
          }
        }
      }
    for (let i = 0; i < xs.length; i++)
      for (const right of [true, false]) {
        let from = -1
        for (let j = 0; j < ys.length; j++) {
          const wall = j < ys.length - 1 && (right ? cell(i, j) && !cell(i - 1, j) : cell(i - 1, j) && !cell(i, j))
          if (wall && from < 0) from = j
          if (!wall && from >= 0) {
            if (right) add(xs[i], ys[j], xs[i], ys[from])
            else add(xs[i], ys[from], xs[i], ys[j])
            from = -1
          }
        }
      }
    return walls
  }
}

/** Finds a free stretch of `width` on a wall and reserves it. Returns its middle, or −1. */
export function takeStretch(random: Random, wall: Wall, width: number, low = 0): number {
  if (wall.length < width + 0.1) return -1
  for (let attempt = 0; attempt < 6; attempt++) {
    const x = random.uniform(width / 2 + 0.04, wall.length - width / 2 - 0.04)
    if (wall.taken.every(([a, b]) => x + width / 2 < a || x - width / 2 > b)) {
      wall.taken.push([x - width / 2, x + width / 2, low])
      return x
    }
  }
  return -1
}

/** Draws an outline with its first room about `w` × `d` metres. */
export function drawFloorPlan(random: Random, w: number, d: number): FloorPlan {
  const rects: Rect[] = [{ x0: 0, y0: 0, x1: w, y1: d }]
  const holes: Rect[] = []
  const necks: Rect[] = []
  const kind = random.uniform()
  if (kind < 0.22) {
    // L: a wing on one side.
    const ww = random.uniform(0.35, 0.7) * w
    const wd = random.uniform(1, 2.5)
    const x = random.chance(0.5) ? 0 : w - ww
    rects.push({ x0: x, y0: d, x1: x + ww, y1: d + wd })
  } else if (kind < 0.34) {
    // Alcove.
    const aw = random.uniform(0.8, 0.5 * w + 0.4)
    const x = random.uniform(0.1, Math.max(w - aw - 0.1, 0.11))
    rects.push({ x0: x, y0: -random.uniform(0.3, 1), x1: Math.min(x + aw, w), y1: 0 })
  } else if (kind < 0.58) {
    // Another room beyond a doorway or a wide opening.
    const nw = random.chance(0.6) ? random.uniform(0.8, 1) : random.uniform(1.2, 2.4)
    const x = random.uniform(0.2, Math.max(w - nw - 0.2, 0.21))
    const deep = random.uniform(1.2, 3.5)
    const neck = { x0: x, y0: d, x1: Math.min(x + nw, w), y1: d + random.uniform(0.1, 0.25) }
    rects.push(neck, {
      x0: x - random.uniform(0.2, 2),
      y0: neck.y1,
      x1: x + nw + random.uniform(0.2, 2),
      y1: neck.y1 + deep,
    })
    necks.push(neck)
  }
  if (random.chance(0.2)) {
    // A chimney breast or pipe duct at a wall, or a column in the room.
    const cw = random.uniform(0.25, 0.9)
    const cd = random.uniform(0.2, 0.5)
    if (random.chance(0.6)) {
      const x = random.uniform(0.2, Math.max(w - cw - 0.2, 0.21))
      holes.push({ x0: x, y0: -0.01, x1: x + cw, y1: cd })
    } else {
      const x = random.uniform(0.25, 0.75) * w
      const y = random.uniform(0.25, 0.75) * d
      holes.push({ x0: x, y0: y, x1: x + cd, y1: y + cd })
    }
  }
  return new FloorPlan(rects, holes, necks)
}
