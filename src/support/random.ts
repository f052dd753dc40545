/**
 * Seeded random numbers: sfc32 (Chris Doty-Humphrey's PractRand generator), seeded through splitmix32 so that
 * neighbouring seeds give unrelated streams. The same seed gives the same numbers on every machine.
 */
export class Random {
  private a: number
  private b: number
  private c: number
  private counter = 1
  private spare: number | null = null

  constructor(seed: number, stream = 0) {
    let state = (Math.imul(seed | 0, 0x9e3779b1) ^ Math.imul(stream | 0, 0x85ebca6b)) | 0
    const next = () => {
      state = (state + 0x9e3779b9) | 0
      let t = state ^ (state >>> 16)
      t = Math.imul(t, 0x21f0aaad)
      t ^= t >>> 15
      t = Math.imul(t, 0x735a2d97)
      return t ^ (t >>> 15)
    }
    this.a = next()
    this.b = next()
    this.c = next()
    for (let i = 0; i < 12; i++) this.bits()
  }

  /** 32 random bits as an unsigned integer. */
  bits(): number {
    const t = (((this.a + this.b) | 0) + this.counter) | 0
    this.counter = (this.counter + 1) | 0
    this.a = this.b ^ (this.b >>> 9)
    this.b = (this.c + (this.c << 3)) | 0
    this.c = ((this.c << 21) | (this.c >>> 11)) + t
    this.c |= 0
    return t >>> 0
  }

  /** Uniform in [lo, hi). */
  uniform(lo = 0, hi = 1): number {
    return lo + (hi - lo) * (this.bits() / 4294967296)
  }

  /** Uniform integer in [lo, hi). */
  integer(lo: number, hi: number): number {
    return lo + Math.floor(this.uniform() * (hi - lo))
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.uniform() < probability
  }

  /** One of a list that is not empty. */
  pick<T>(items: readonly T[]): T {
    return items[this.integer(0, items.length)]
  }

  /** Standard normal (Box–Muller). */
  normal(mean = 0, deviation = 1): number {
    if (this.spare !== null) {
      const value = this.spare
      this.spare = null
      return mean + deviation * value
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()))
    const angle = 2 * Math.PI * this.uniform()
    this.spare = radius * Math.sin(angle)
    return mean + deviation * radius * Math.cos(angle)
  }

  /** Fisher–Yates, in place. */
  shuffle<T>(items: T[]): T[] {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.integer(0, i + 1)
      const item = items[i]
      items[i] = items[j]
      items[j] = item
    }
    return items
  }
}
