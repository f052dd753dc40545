/**
 * What holds of every window, whatever the depths: properties on random windows and depths (one step) and along chains of
 * steps as the model makes them, on one grid and on each step's own.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compile, Graph, type Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { Engine, type Program } from '../runtime/engine.ts'
import { type DarConfig, parseConfig } from './config.ts'
import { binCentres, depthSpread, expectedDepth, moveWindow, nextWindow, type Window, wholeRange } from './mtbin.ts'
import { stepSizes } from './steps.ts'

let engine: Engine
beforeAll(() => {
  engine = new Engine({ threads: 1 })
})
afterAll(() => engine.dispose())

const [ROWS, COLS] = [3, 4]
const PIXELS = ROWS * COLS
const SLACK = 1e-9
const RANGE = { dMin: 0.1, dMax: 10 }

interface Pixel {
  readonly lo: number
  readonly hi: number
  readonly d: number
  readonly sigma: number
}

/** In [0, 1], both ends among them; evenly spread, as random doubles are not. */
const share = fc.integer({ min: 0, max: 1e6 }).map((n) => n / 1e6)

/** A window inside the range, from a centimetre wide, and a depth inside the window, its borders included. */
const pixel: fc.Arbitrary<Pixel> = fc
  .record({
    from: share,
    to: share,
    at: share,
    sigma: share,
  })
  .map(({ from, to, at, sigma }) => {
    const span = RANGE.dMax - RANGE.dMin - 0.01
    const lo = RANGE.dMin + Math.min(from, to) * span
    const hi = RANGE.dMin + 0.01 + Math.max(from, to) * span
    return { lo, hi, d: lo + at * (hi - lo), sigma: 3 * sigma }
  })
const map = fc.array(pixel, { minLength: PIXELS, maxLength: PIXELS })

/** Bins of a step. */
const binsOf = ({ window }: DarConfig): number => (window.kind === 'soft' ? 0 : window.bins)

/** One step from any windows, depths and spreads. */
async function loadStep(config: DarConfig): Promise<Program> {
  const graph = new Graph({ float: 'float64' })
  const t = Object.fromEntries(
    ['lo', 'hi', 'd', 'sigma'].map((name) => [name, graph.input(name, [1, 1, ROWS, COLS])]),
  ) as Record<'lo' | 'hi' | 'd' | 'sigma', Tensor>
  const next = nextWindow(t, t.d, t.sigma, config)
  // Every input is read, also by a window that does not look at it.
  const unused = ops.mul(ops.add(ops.add(t.lo, t.hi), ops.add(t.d, t.sigma)), 0)
  const outputs = {
    lo: ops.add(next.lo, unused),
    hi: ops.add(next.hi, unused),
    centres: binCentres(next, binsOf(config)),
  }
  return engine.load(compile(renamed(outputs), { name: 'one step' }))
}
const renamed = (outputs: Record<string, Tensor>) =>
  Object.fromEntries(Object.entries(outputs).map(([name, y]) => [`${name}2`, y]))

interface Next {
  readonly lo: number
  readonly hi: number
  readonly centres: readonly number[]
}

async function runStep(program: Program, pixels: readonly Pixel[]): Promise<Next[]> {
  const names = new Set(program.inputs.map(({ name }) => name))
  const column = (name: keyof Pixel) => Float64Array.from(pixels, (p) => p[name])
  const feeds = (['lo', 'hi', 'd', 'sigma'] as const).flatMap((name) => (names.has(name) ? [[name, column(name)]] : []))
  const result = (await program.run(Object.fromEntries(feeds))) as Record<string, Float64Array>
  const bins = result.centres2.length / PIXELS
  return pixels.map((_, i) => ({
    lo: result.lo2[i],
    hi: result.hi2[i],
    centres: Array.from({ length: bins }, (_, n) => result.centres2[n * PIXELS + i]),
  }))
}

const WINDOWS: readonly Record<string, unknown>[] = [
  ...[0, 1, 3, 8, 40].map((expand) => ({ window: 'paper', expand })),
  { window: 'paper', expand: 1, bins: 5 },
  { window: 'neighbourhood', expand: 1 },
  { window: 'neighbourhood', expand: 3, bins: 7 },
  { window: 'elastic' },
  { window: 'elastic', bins: 5 },
  { window: 'fixed' },
]
const label = (fields: Record<string, unknown>) => [JSON.stringify(fields), fields] as const

/** Checks a property of one step on random maps. */
async function holds(config: DarConfig, property: (pixels: readonly Pixel[], next: readonly Next[]) => void) {
  await using program = await loadStep(config)
  await fc.assert(
    fc.asyncProperty(map, async (pixels) => property(pixels, await runStep(program, pixels))),
    { numRuns: 30, seed: 20, endOnFailure: true },
  )
}

describe.each(WINDOWS.map(label))('the window %s', (_name, fields) => {
  test('has ordered edges inside the range, and holds the depth that it came from', async () => {
    await holds(parseConfig(fields), (pixels, next) => {
      next.forEach(({ lo, hi, centres }, i) => {
        expect(hi).toBeGreaterThan(lo)
        expect(lo).toBeGreaterThanOrEqual(RANGE.dMin - SLACK)
        expect(hi).toBeLessThanOrEqual(RANGE.dMax + SLACK)
        expect(pixels[i].d).toBeGreaterThanOrEqual(lo - SLACK)
        expect(pixels[i].d).toBeLessThanOrEqual(hi + SLACK)
        const edges = [lo, ...centres, hi]
        for (let n = 1; n < edges.length; n++) expect(edges[n]).toBeGreaterThan(edges[n - 1])
      })
    })
  })
})

describe('windows of the tree', () => {
  test('with expand 1 are 3/16 of the last, and 2/16 exactly where the depth lies in its first or last bin', async () => {
    const shares = new Set<number>()
    await holds(parseConfig({ expand: 1 }), (pixels, next) => {
      next.forEach(({ lo, hi }, i) => {
        const { lo: lo0, hi: hi0, d } = pixels[i]
        const kept = (16 * (hi - lo)) / (hi0 - lo0)
        const place = (16 * (d - lo0)) / (hi0 - lo0)
        if (Math.abs(place - Math.round(place)) < SLACK) return // on an edge, where rounding decides
        shares.add(Math.round(kept))
        expect(kept).toBeCloseTo(place < 1 || place >= 15 ? 2 : 3, 6)
      })
    })
    expect([...shares].sort()).toEqual([2, 3])
  })

  test.each([0, 1, 3, 8, 40])(
    'with expand %i are whole bins of the last, at most 2e + 1, inside it',
    async (expand) => {
      await holds(parseConfig({ expand }), (pixels, next) => {
        next.forEach(({ lo, hi }, i) => {
          const { lo: lo0, hi: hi0 } = pixels[i]
          const [first, last] = [lo, hi].map((v) => (16 * (v - lo0)) / (hi0 - lo0))
          for (const edge of [first, last]) expect(edge).toBeCloseTo(Math.round(edge), 6)
          expect(Math.round(first)).toBeGreaterThanOrEqual(0)
          expect(Math.round(last)).toBeLessThanOrEqual(16)
          expect(Math.round(last - first)).toBeLessThanOrEqual(Math.min(2 * expand + 1, 16))
          expect(Math.round(last - first)).toBeGreaterThanOrEqual(Math.min(expand + 1, 16))
        })
      })
    },
  )

  test('of a neighbourhood hold those of the paper, their own and those around', async () => {
    await using paper = await loadStep(parseConfig({ window: 'paper' }))
    await using wide = await loadStep(parseConfig({ window: 'neighbourhood' }))
    await fc.assert(
      fc.asyncProperty(map, async (pixels) => {
        const [own, next] = [await runStep(paper, pixels), await runStep(wide, pixels)]
        const near = (i: number, j: number) =>
          Math.abs(Math.floor(i / COLS) - Math.floor(j / COLS)) <= 1 && Math.abs((i % COLS) - (j % COLS)) <= 1
        next.forEach(({ lo, hi }, i) => {
          const around = own.filter((_, j) => near(i, j))
          expect(lo).toBe(Math.min(...around.map((w) => w.lo)))
          expect(hi).toBe(Math.max(...around.map((w) => w.hi)))
        })
      }),
      { numRuns: 20, seed: 21 },
    )
  })
})

const STEPS = 4
const GRID = [4, 5] as const

/** The steps as the model runs them, with given logits; values of step k by `<name><k>`. */
async function loadChain(config: DarConfig): Promise<{ program: Program; grids: readonly ops.Size[] }> {
  const graph = new Graph({ float: 'float64' })
  const sizes = stepSizes(GRID, STEPS)
  const grids = config.binGrid === 'step' ? sizes : sizes.map(() => GRID)
  const outputs: Record<string, Tensor> = {}
  let window: Window | null = null
  grids.forEach((grid, k) => {
    const logits = graph.input(`logits${k}`, [1, binsOf(config), ...grid])
    window ??= wholeRange(logits, grid, config)
    const centres = binCentres(window, binsOf(config))
    const p = ops.softmax(logits, 1)
    const depth = expectedDepth(p, centres)
    const sigma = depthSpread(p, centres, depth)
    Object.assign(outputs, { [`lo${k}`]: window.lo, [`hi${k}`]: window.hi, [`d${k}`]: depth, [`s${k}`]: sigma })
    if (k + 1 < STEPS) window = moveWindow(nextWindow(window, depth, sigma, config), grids[k + 1])
  })
  return { program: await engine.load(compile(outputs, { name: 'a chain of steps' })), grids }
}

const CHAINS = (['memory', 'step'] as const).flatMap((binGrid) =>
  [
    { window: 'paper', expand: 1 },
    { window: 'paper', expand: 3 },
    { window: 'neighbourhood' },
    { window: 'elastic' },
    { window: 'fixed' },
  ].map((fields) => label({ ...fields, binGrid })),
)

describe('along the steps', () => {
  test.each(CHAINS)(
    'with %s the depth stays among the centres, and windows hold what they came from',
    async (_n, fields) => {
      const config = parseConfig(fields)
      const { program, grids } = await loadChain(config)
      const logit = fc.integer({ min: -300, max: 300 }).map((n) => n / 10) // from undecided to all in one bin
      const maps = fc.tuple(
        ...grids.map(([h, w]) =>
          fc.array(logit, { minLength: binsOf(config) * h * w, maxLength: binsOf(config) * h * w }),
        ),
      )
      const check = async (logits: number[][]) => {
        const feeds = Object.fromEntries(logits.map((values, k) => [`logits${k}`, Float64Array.from(values)]))
        const result = (await program.run(feeds)) as Record<string, Float64Array>
        grids.forEach(([h, w], k) => {
          for (let i = 0; i < h; i++)
            for (let j = 0; j < w; j++) {
              const at = (name: string) => result[`${name}${k}`][i * w + j]
              const [lo, hi, d, s] = ['lo', 'hi', 'd', 's'].map(at)
              const half = (hi - lo) / binsOf(config) / 2
              expect(d).toBeGreaterThanOrEqual(lo + half - SLACK)
              expect(d).toBeLessThanOrEqual(hi - half + SLACK)
              expect(s).toBeLessThanOrEqual((hi - lo) / 2 - half + SLACK)
              if (k === 0) continue
              // The cell of the step before: the same one, or the nearest on its coarser grid.
              const [rows, cols] = grids[k - 1]
              const before = result[`d${k - 1}`][Math.floor((i * rows) / h) * cols + Math.floor((j * cols) / w)]
              expect(before).toBeGreaterThanOrEqual(lo - SLACK)
              expect(before).toBeLessThanOrEqual(hi + SLACK)
            }
        })
      }
      await fc.assert(fc.asyncProperty(maps, check), { numRuns: 12, seed: 22, endOnFailure: true })
      await program.dispose()
    },
  )
})
