/**
 * A smaller dar-nano out of a trained one. What is cut, in this order:
 *
 *   hidden channels of the encoder's later blocks   the projection of a block is fitted anew to what the teacher's block puts out
 *   channels of the last tap                        the directions in which the teacher's tap is longest; the neck reads them
 *   all but the decoder's first blocks              its last projection is fitted anew to the teacher's token maps
 *
 * Everything else is the teacher's, value for value. Fitting follows the data through the network: a block reads what the cut blocks
 * before it give, and its target is the teacher's, so it also mends what they have spoilt.
 */
import { sizeOf } from '../../src/graph/index.ts'
import type { DarConfig } from '../../src/model/index.ts'
import type { Engine } from '../../src/runtime/engine.ts'
import type { NamedValues } from '../../src/runtime/weights.ts'
import { layoutOfModel } from '../../src/train/index.ts'
import { directions, Moments, type Reconstruction, reconstruct } from './reconstruct.ts'
import { type Images, Network, parameterOf, type Rows, type Values } from './samples.ts'

interface Teacher {
  readonly config: DarConfig
  readonly values: Values
}

interface Cut {
  readonly teacher: Teacher
  readonly student: DarConfig
  readonly images: Images
}

/** Rows of a layer that are looked at. More change little. */
const SAMPLES = 4000
const TAP = 'neck.reduce.3.weight'

type Shapes = ReadonlyMap<string, readonly number[]>

/** Parameters of the student, in the order of its layout. `say` is told of every fit. */
export async function cutStudent(
  engine: Engine,
  { teacher, student, images }: Cut,
  say: (line: string) => void,
): Promise<NamedValues[]> {
  const shapes: Shapes = new Map(layoutOfModel(student).entries.map(({ name, shape }) => [name, shape]))
  const values = await cutEncoder(new Network(engine, teacher.config, images), teacher, shapes, say)
  const start = [...shapes].map(([name, shape]) => {
    const own = parameterOf(values, name)
    if (own.length !== sizeOf(shape))
      throw new Error(`${name} has ${own.length} values, and the student takes ${sizeOf(shape)}`)
    return { name, shape, values: Float32Array.from(own) }
  })
  return fitDecoder(engine, { teacher, student, images }, start, say)
}

/** The encoder's parameters and the neck's that reads the last tap. */
async function cutEncoder(network: Network, { values }: Teacher, shapes: Shapes, say: (line: string) => void) {
  const blocks = Array.from({ length: 40 }, (_, n) => n).filter((n) =>
    values.has(`encoder.features.${n}.conv.2.weight`),
  )
  const last = Math.max(...blocks)
  const project = (n: number) => `encoder.features.${n}.conv.2`
  const [tap] = network.inputsOf(TAP)
  const input = (n: number) => network.inputsOf(`encoder.features.${n}.conv.0.0.weight`)[0]
  const output = (n: number) => (n === last ? tap : input(n + 1))
  const own = (n: number) => parameterOf(values, `${project(n)}.bias`).length
  const hidden = (n: number) => shapes.get(`${project(n)}.weight`)?.[1] ?? 0
  const whole = (n: number) => parameterOf(values, `${project(n)}.weight`).length / own(n)
  const cut = blocks.filter((n) => hidden(n) < whole(n) || (n === last && (shapes.get(TAP)?.[1] ?? 0) < own(n)))
  // The teacher's network throughout: a channel that is gone has zeros in the projection until the end.
  const current = new Map(values)
  const kept = new Map<number, readonly number[]>()
  const wanted = await network.rows(cut.map(output), values)
  const taps = shapes.get(TAP)?.[1] ?? 0
  for (const [i, n] of cut.entries()) {
    const [before, inside] = await network.rows([input(n), network.inputsOf(`${project(n)}.weight`)[0]], current)
    const adds = input(n).shape.join() === output(n).shape.join()
    const fit = fitted(inside, adds ? difference(wanted[i], before) : wanted[i], hidden(n))
    say(`block ${n}: ${hidden(n)} of ${inside.channels} channels, ${percent(fit.error)} of its output's variance lost`)
    kept.set(n, fit.kept)
    current.set(`${project(n)}.weight`, fit.weight)
    current.set(`${project(n)}.bias`, fit.bias)
    if (n === last && taps < wanted[i].channels) narrowTap(current, wanted[i], taps, project(n))
  }
  for (const [n, channels] of kept) {
    const at = `encoder.features.${n}.conv`
    for (const name of [`${at}.0.0.weight`, `${at}.0.0.bias`, `${at}.1.0.weight`, `${at}.1.0.bias`])
      current.set(name, rowsOf(parameterOf(current, name), channels, whole(n)))
    current.set(`${project(n)}.weight`, columnsOf(parameterOf(current, `${project(n)}.weight`), channels, whole(n)))
  }
  return current
}

/** y → Uᵀ·y in the projection, and the neck's W → W·U.  U: n×count, the longest directions of the tap. */
function narrowTap(current: Map<string, Float32Array>, tap: Rows, count: number, project: string): void {
  const n = tap.channels
  const { a } = momentsOf(tap, tap, { withTarget: false })
  const moment = Float64Array.from({ length: n * n }, (_, at) => {
    const [i, j] = [Math.floor(at / n), at % n]
    return a[Math.max(i, j) * (n + 1) + Math.min(i, j)]
  })
  const basis = directions(moment, n, count)
  const inner = parameterOf(current, `${project}.weight`)
  const channels = inner.length / n
  const weight = new Float32Array(count * channels)
  const bias = new Float32Array(count)
  const own = parameterOf(current, `${project}.bias`)
  for (let k = 0; k < count; k++)
    for (let i = 0; i < n; i++) {
      const factor = basis[i * count + k]
      bias[k] += factor * own[i]
      for (let c = 0; c < channels; c++) weight[k * channels + c] += factor * inner[i * channels + c]
    }
  const reader = parameterOf(current, TAP)
  const outputs = reader.length / (n * 9)
  const read = new Float32Array(outputs * count * 9)
  for (let o = 0; o < outputs; o++)
    for (let i = 0; i < n; i++)
      for (let k = 0; k < count; k++)
        for (let at = 0; at < 9; at++)
          read[(o * count + k) * 9 + at] += basis[i * count + k] * reader[(o * n + i) * 9 + at]
  current.set(`${project}.weight`, weight)
  current.set(`${project}.bias`, bias)
  current.set(TAP, read)
}

/** Fits the decoder's last projection, twice: what it gives is what it reads in the next step. */
async function fitDecoder(
  engine: Engine,
  { teacher, student, images }: Cut,
  start: readonly NamedValues[],
  say: (line: string) => void,
): Promise<NamedValues[]> {
  const outputs = ({ model }: Network) =>
    Array.from({ length: student.steps }, (_, k) => model.trace.get(`step${k + 1}.y_out`))
  const whole = new Network(engine, teacher.config, images)
  const half = new Network(engine, student, images)
  const found = outputs(whole).flatMap((tensor) => tensor ?? [])
  const wanted = await whole.rows(found, teacher.values)
  const current = new Map(start.map(({ name, values }) => [name, values]))
  for (let round = 0; round < 2; round++) {
    const inside = await half.rows(half.inputsOf('decoder.proj_out.weight'), current)
    const together = (all: readonly Rows[]): Rows => ({
      channels: all[0].channels,
      values: Float32Array.from(all.flatMap(({ values }) => [...values])),
    })
    const fit = fitted(together(inside), together(wanted), inside[0].channels)
    say(`decoder: ${percent(fit.error)} of its tokens' variance lost`)
    current.set('decoder.proj_out.weight', fit.weight)
    current.set('decoder.proj_out.bias', fit.bias)
  }
  return start.map(({ name, shape }) => ({ name, shape, values: Float32Array.from(parameterOf(current, name)) }))
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`

function fitted(x: Rows, y: Rows, count: number): Reconstruction & { readonly error: number } {
  const found = reconstruct(momentsOf(x, y), count)
  return { ...found, error: errorOf(found, x, y) }
}

const everyOf = ({ channels, values }: Rows): number => Math.max(1, Math.floor(values.length / channels / SAMPLES))
const row = ({ channels, values }: Rows, i: number): Float32Array => values.subarray(i * channels, (i + 1) * channels)
const rowCount = ({ channels, values }: Rows): number => values.length / channels

function momentsOf(x: Rows, y: Rows, { withTarget = true } = {}): Moments {
  const moments = new Moments(x.channels, withTarget ? y.channels : 0)
  for (let i = 0; i < rowCount(x); i += everyOf(x)) moments.add(row(x, i), row(y, i))
  return moments
}

/** Σ (y − ŷ)² over Σ (y − mean y)². */
function errorOf({ kept, weight, bias }: Reconstruction, x: Rows, y: Rows): number {
  const every = everyOf(x)
  const mean = new Float64Array(y.channels)
  let n = 0
  for (let i = 0; i < rowCount(x); i += every, n++)
    row(y, i).forEach((value, k) => {
      mean[k] += value
    })
  let [lost, all] = [0, 0]
  for (let i = 0; i < rowCount(x); i += every) {
    const [own, target] = [row(x, i), row(y, i)]
    for (let k = 0; k < y.channels; k++) {
      let value = bias[k]
      for (const c of kept) value += weight[k * x.channels + c] * own[c]
      lost += (value - target[k]) ** 2
      all += (target[k] - mean[k] / n) ** 2
    }
  }
  return lost / all
}

const difference = (p: Rows, q: Rows): Rows => ({ ...p, values: p.values.map((value, i) => value - q.values[i]) })

/** Of a tensor whose first axis has `full` channels, those that stay. */
function rowsOf(values: Float32Array, channels: readonly number[], full: number): Float32Array {
  const inner = values.length / full
  const result = new Float32Array(channels.length * inner)
  channels.forEach((c, i) => {
    result.set(values.subarray(c * inner, (c + 1) * inner), i * inner)
  })
  return result
}

/** Of a matrix with `full` columns, those that stay. */
function columnsOf(values: Float32Array, channels: readonly number[], full: number): Float32Array {
  const outputs = values.length / full
  const result = new Float32Array(outputs * channels.length)
  for (let o = 0; o < outputs; o++)
    for (const [i, c] of channels.entries()) result[o * channels.length + i] = values[o * full + c]
  return result
}
