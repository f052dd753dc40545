/** The median of many values without sorting them all. */

/** Size of the sample that gives the bounds of a median. */
const SAMPLE = 2048

/**
 * Median of `values`: the mean of the two middle ones for an even count. NaN counts as the largest; the median of
 * nothing is NaN. `values` is not changed. A full sort would cost more than all metrics of a frame, so most values are
 * only counted: a sample gives two bounds between which the middle almost surely lies (Floyd & Rivest, CACM 18(3),
 * 1975). If it does not, the bounds are dropped.
 */
export function median(values: ArrayLike<number>): number {
  const count = values.length
  const upper = count >> 1
  const lower = count % 2 === 1 ? upper : upper - 1
  let { from, to } = count > 4 * SAMPLE ? boundsOfMiddle(values) : EVERYTHING
  let { below, inside } = between(values, from, to)
  if (lower < below || upper >= below + inside.length) {
    ;({ from, to } = EVERYTHING)
    ;({ below, inside } = between(values, from, to))
  }
  const rank = upper - below
  if (rank >= inside.length) return Number.NaN
  select(inside, rank, inside.length - 1)
  const high = inside[rank]
  if (lower === upper) return high
  // No value before the selected one is larger, so the lower middle one is their largest.
  let low = Number.NEGATIVE_INFINITY
  for (let i = 0; i < rank; i++) if (inside[i] > low) low = inside[i]
  return (low + high) / 2
}

const EVERYTHING = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY }

/**
 * Bounds for the middle, from an evenly spaced sample: three standard deviations of its rank, √n/2 each, on either
 * side.
 */
function boundsOfMiddle(values: ArrayLike<number>): { from: number; to: number } {
  const step = Math.floor(values.length / SAMPLE)
  const sample = Float64Array.from({ length: SAMPLE }, (_, k) => values[k * step]).sort()
  const reach = Math.ceil((3 * Math.sqrt(SAMPLE)) / 2)
  return { from: sample[SAMPLE / 2 - reach], to: sample[SAMPLE / 2 + reach] }
}

/** Counts the values below `from`, and those from `from` to `to`. NaN is in neither. */
function between(values: ArrayLike<number>, from: number, to: number): { below: number; inside: Float64Array } {
  const inside = new Float64Array(values.length)
  let below = 0
  let n = 0
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    if (value < from) below++
    else if (value <= to) inside[n++] = value
  }
  return { below, inside: inside.subarray(0, n) }
}

/**
 * Reorders `a[0..last]` so that the value of rank `k` is at index k and smaller ones are before it (Hoare's
 * quickselect).
 */
function select(a: Float64Array, k: number, last: number): void {
  let left = 0
  let right = last
  while (left < right) {
    // The middle of three as the pivot. Sorted and constant maps are common, and are its best case.
    const middle = (left + right) >> 1
    const [x, y, z] = [a[left], a[middle], a[right]]
    const pivot = Math.max(Math.min(x, y), Math.min(Math.max(x, y), z))
    let i = left
    let j = right
    while (i <= j) {
      while (a[i] < pivot) i++
      while (a[j] > pivot) j--
      if (i > j) break
      const swap = a[i]
      a[i++] = a[j]
      a[j--] = swap
    }
    if (k <= j) right = j
    else if (k >= i) left = i
    else return
  }
}
