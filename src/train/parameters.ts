/**
 * All parameters of a model in one flat array, in the order of their names. The optimiser is then one element-wise pass
 * over memory, and each gradient has a fixed place in an array of the same layout.
 */
import type { Init, Shape, Tensor } from '../graph/index.ts'
import type { BufferSlice } from '../runtime/protocol.ts'
import { DarError } from '../support/errors.ts'
import { Random } from '../support/random.ts'

/** One parameter and where it lies; `offset` and `length` count values. */
export interface Entry {
  readonly name: string
  readonly shape: Shape
  readonly init: Init
  readonly offset: number
  readonly length: number
}

/** Where each parameter of a model lies in one flat array. */
export interface Layout {
  readonly entries: readonly Entry[]
  /** Values in all. */
  readonly length: number
}

/** Sorts parameters by name (by code unit, so the order is the same everywhere) and places them one after another. */
export function layoutOf(parameters: Iterable<Tensor>): Layout {
  const sorted = [...parameters].sort((a, b) => (a.name < b.name ? -1 : 1))
  let offset = 0
  const entries = sorted.map(({ name, shape, size, source }) => {
    if (source.kind !== 'parameter') throw new Error(`internal error: ${name} is no parameter`)
    const entry = { name, shape, init: source.init, offset, length: size }
    offset += size
    return entry
  })
  return { entries, length: offset }
}

/** Where each parameter lies in a resident buffer of the layout, under the port names that `prefix` makes. */
export function slicesOf(layout: Layout, buffer: string, prefix = ''): Record<string, BufferSlice> {
  return Object.fromEntries(
    layout.entries.map(({ name, offset, length }) => [prefix + name, { buffer, offset, length }]),
  )
}

/** Starting values by each parameter's recipe; a parameter's values depend on the seed and its own name only. */
export function initialise(layout: Layout, seed: number): Float32Array {
  const values = new Float32Array(layout.length)
  for (const entry of layout.entries)
    initialiseEntry(values.subarray(entry.offset, entry.offset + entry.length), entry, seed)
  return values
}

/** The starting values of one parameter, written over `part`. */
export function initialiseEntry(part: Float32Array, { name, shape, init }: Entry, seed: number): void {
  const random = new Random(seed, hashOf(name))
  if (init.kind === 'constant') part.fill(init.value)
  else if (init.kind === 'normal') for (let i = 0; i < part.length; i++) part[i] = random.normal(0, init.deviation)
  else {
    // U(−b, b), b = gain/√fanIn
    const bound = init.gain / Math.sqrt(shape.slice(1).reduce((product, n) => product * n, 1))
    for (let i = 0; i < part.length; i++) part[i] = random.uniform(-bound, bound)
  }
}

function hashOf(name: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < name.length; i++) h = Math.imul(h ^ name.charCodeAt(i), 0x01000193)
  return h
}

export interface LoadReport {
  /** Parameters of the model that were set. */
  readonly loaded: readonly string[]
  /** Parameters of the model that the file does not have. */
  readonly missing: readonly string[]
  /** Tensors of the file that the model does not have. */
  readonly unused: readonly string[]
}

/**
 * Copies the tensors of a model file over the starting values. Throws a DarError when a tensor has another shape, or
 * values that are not finite. Training from those would fail later, far from the cause.
 */
export function loadInto(
  values: Float32Array,
  layout: Layout,
  stored: {
    readonly values: ReadonlyMap<string, Float32Array>
    readonly shapes: ReadonlyMap<string, readonly number[]>
  },
  { source }: { readonly source: string },
): LoadReport {
  const entries = new Map(layout.entries.map((entry) => [entry.name, entry]))
  const loaded: string[] = []
  const unused: string[] = []
  for (const [name, data] of stored.values) {
    const entry = entries.get(name)
    if (!entry) {
      unused.push(name)
      continue
    }
    const shape = stored.shapes.get(name) ?? []
    if (shape.join() !== entry.shape.join())
      throw new DarError(
        `${source}: tensor ${name} is [${shape.join(',')}], the model's is [${entry.shape.join(',')}]; ` +
          'use a model config that fits these weights',
      )
    if (!data.every(Number.isFinite))
      throw new DarError(`${source}: tensor ${name} holds values that are not finite; use an undamaged file`, {
        kind: 'model',
      })
    values.set(data, entry.offset)
    loaded.push(name)
  }
  const found = new Set(loaded)
  const missing = layout.entries.map(({ name }) => name).filter((name) => !found.has(name))
  return { loaded, missing, unused }
}
