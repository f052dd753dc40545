/**
 * The focal length that makes walls stand at right angles. For scripts/lens.ts.
 *
 * A plane n·P = d, seen at x = f·X/Z, y = f·Y/Z, has the inverse depth  w = 1/Z = a·x + b·y + c  with n ∝ (a·f, b·f, c): its a, b and c can be
 * fitted without the focal length. Of two planes at a right angle n·n′ = 0, so
 *
 *     f² = −c·c′ / (a·a′ + b·b′)
 *
 * Two planes at another angle give another f, so one pair says nothing and the pairs of a house say much.
 */
import type { Random } from '../../src/data/index.ts'

/** x, y from the principal point in image diagonals; w: inverse depth, 1/metres. */
export interface Point {
  readonly x: number
  readonly y: number
  readonly w: number
}

/** w = a·x + b·y + c. */
export interface Plane {
  readonly a: number
  readonly b: number
  readonly c: number
  /** Of the points that were searched. */
  readonly share: number
}

export interface PlaneOptions {
  /** Least share of the points that a plane takes. */
  readonly share?: number
  /** Largest relative error of the inverse depth of a plane's points. */
  readonly tolerance?: number
  readonly most?: number
}

/** Triples that are tried for each plane. */
const TRIES = 200
/** The two other points of a triple are this far from its first, in image diagonals: nearer they are noise, farther on other surfaces. */
const [NEAR, FAR] = [0.04, 0.15]
/** While triples are compared, one point in so many is looked at. */
const STRIDE = 7

/** The largest planes of a depth map, one after the other, each fitted to its points and these then removed. */
export function findPlanes(
  points: readonly Point[],
  random: Random,
  { share = 0.08, tolerance = 0.01, most = 5 }: PlaneOptions = {},
): Plane[] {
  const planes: Plane[] = []
  const least = share * points.length
  let left = points
  while (planes.length < most && left.length > least) {
    const seed = bestTriple(left, random, tolerance)
    const first = seed && leastSquares(left.filter((point) => offBy(seed, point) < tolerance))
    const own = first ? left.filter((point) => offBy(first, point) < tolerance) : []
    const last = own.length > least ? leastSquares(own) : null
    if (!last) break
    planes.push({ ...last, share: own.length / points.length })
    left = left.filter((point) => offBy(last, point) >= 2 * tolerance)
  }
  return planes
}

type Fit = Omit<Plane, 'share'>

function bestTriple(points: readonly Point[], random: Random, tolerance: number): Fit | null {
  let [best, most] = [null as Fit | null, 0]
  const any = () => points[random.integer(0, points.length)]
  for (let i = 0; i < TRIES; i++) {
    const triple = [any()]
    for (let j = 0; j < 60 && triple.length < 3; j++) {
      const other = any()
      const distance = Math.hypot(other.x - triple[0].x, other.y - triple[0].y)
      if (distance > NEAR && distance < FAR) triple.push(other)
    }
    const plane = triple.length === 3 ? leastSquares(triple) : null
    if (!plane) continue
    let count = 0
    for (let k = 0; k < points.length; k += STRIDE) if (offBy(plane, points[k]) < tolerance) count++
    if (count > most) [best, most] = [plane, count]
  }
  return best
}

const offBy = ({ a, b, c }: Fit, { x, y, w }: Point) => Math.abs(a * x + b * y + c - w) / w

/** Least squares of the relative error, by Cramer's rule; null for points on a line. */
function leastSquares(points: readonly Point[]): Fit | null {
  let [xx, xy, x1, yy, y1, one, xw, yw, w1] = [0, 0, 0, 0, 0, 0, 0, 0, 0]
  for (const { x, y, w } of points) {
    const k = 1 / (w * w)
    xx += k * x * x
    xy += k * x * y
    x1 += k * x
    yy += k * y * y
    y1 += k * y
    one += k
    xw += k * x * w
    yw += k * y * w
    w1 += k * w
  }
  const column = [
    [xx, xy, x1],
    [xy, yy, y1],
    [x1, y1, one],
  ]
  const right = [xw, yw, w1]
  const whole = determinant(column)
  if (Math.abs(whole) < 1e-12) return null
  const [a, b, c] = [0, 1, 2].map((i) => determinant(column.map((one, j) => (i === j ? right : one))) / whole)
  return { a, b, c }
}

const determinant = ([[a, b, c], [d, e, f], [g, h, i]]: readonly (readonly number[])[]) =>
  a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)

/** Least |∂cos θ/∂ln f|, θ the angle between the planes: below it, noise decides on f. */
const LEAST_SLOPE = 0.3
/** In image diagonals: lenses of 13 to 130 mm. Planes that ask for others are not at right angles. */
const [SHORTEST, LONGEST] = [0.3, 3]

/** f in image diagonals, if the planes are at a right angle; null where no lens makes them so, or the angle hardly depends on it. */
export function focalOfRightAngle(p: Plane, q: Plane): number | null {
  const dot = p.a * q.a + p.b * q.b
  const square = (-p.c * q.c) / dot
  if (!(square > SHORTEST ** 2 && square < LONGEST ** 2)) return null
  const focal = Math.sqrt(square)
  const length = ({ a, b, c }: Plane) => Math.hypot(a * focal, b * focal, c)
  return (2 * Math.abs(dot) * square) / (length(p) * length(q)) < LEAST_SLOPE ? null : focal
}
