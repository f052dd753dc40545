/**
 * Cuts a smaller dar-nano out of a trained one, as the start of a student that is then distilled (recipes/dar-nano-half.ts):
 *
 *     npx tsx scripts/student.ts TEACHER.safetensors OUT.safetensors
 *
 * Channels of the encoder are kept by their weights: of every group of tensors that share channels, those whose product of norms, over all
 * tensors that make or read the channel, is largest. Of the decoder the first block stays. All else is the teacher's, value for value.
 */
import { configText, flatConfig, parseConfig } from '../src/model/index.ts'
import { readWeights, storedConfig, writeWeights } from '../src/runtime/weights.ts'
import { layoutOfModel } from '../src/train/index.ts'

/** Half of dar-nano's parameters. */
export const HALF = { encoderMultiplier: 0.625, layers: 1 } as const

/** A tensor and the axis on which it has the channels of a group. */
interface Member {
  readonly name: string
  readonly axis: number
}

const [from, to] = process.argv.slice(2)
if (!to) throw new Error('usage: npx tsx scripts/student.ts TEACHER.safetensors OUT.safetensors')
const teacher = await readWeights(from)
const before = parseConfig(storedConfig(teacher, from), from)
const after = parseConfig({ ...flatConfig(before), ...HALF }, 'the student')
const shapeOf = (name: string): readonly number[] => {
  const shape = teacher.shapes.get(name)
  if (!shape) throw new Error(`${from} has no ${name}`)
  return shape
}

/** First blocks of the stages, and how many blocks there are. */
const FIRST = [1, 2, 4, 7, 11, 14, 17]
const BLOCKS = 17

/** The groups of MobileNetV2: a block's hidden channels, and the channels that a stage's blocks add to. */
function groups(): Member[][] {
  const found: Member[][] = []
  const layer = (name: string) => [
    { name: `${name}.weight`, axis: 0 },
    { name: `${name}.bias`, axis: 0 },
  ]
  let stream: Member[] = layer('encoder.features.0.0')
  found.push(stream)
  const taps = [3, 6, 13, 17]
  for (let n = 1; n <= BLOCKS; n++) {
    const at = `encoder.features.${n}.conv`
    const last = n === 1 ? 1 : 2
    if (n === 1) stream.push(...layer(`${at}.0.0`), { name: `${at}.1.weight`, axis: 1 })
    else {
      stream.push({ name: `${at}.0.0.weight`, axis: 1 })
      found.push([...layer(`${at}.0.0`), ...layer(`${at}.1.0`), { name: `${at}.2.weight`, axis: 1 }])
    }
    const made = layer(`${at}.${last}`)
    // A block of equal width adds to what it reads, but for the first of a stage.
    const adds = n > 1 && shapeOf(`${at}.0.0.weight`)[1] === shapeOf(`${at}.${last}.weight`)[0] && !FIRST.includes(n)
    if (adds) stream.push(...made)
    else {
      stream = made
      found.push(stream)
    }
    const tap = taps.indexOf(n)
    if (tap >= 0) stream.push({ name: `neck.reduce.${tap}.weight`, axis: 1 })
  }
  return found
}

/** Σ over the members of ln ‖the part of the channel‖, biases left out. */
function importance(members: readonly Member[], channel: number): number {
  return members
    .filter(({ name }) => name.endsWith('.weight'))
    .reduce((sum, { name, axis }) => sum + Math.log(1e-12 + norm(name, axis, channel)), 0)
}

function norm(name: string, axis: number, channel: number): number {
  const values = teacher.values.get(name) ?? new Float32Array()
  const shape = shapeOf(name)
  const inner = shape.slice(axis + 1).reduce((product, n) => product * n, 1)
  let squares = 0
  for (let i = 0; i < values.length; i++)
    if (Math.floor(i / inner) % shape[axis] === channel) squares += values[i] * values[i]
  return Math.sqrt(squares)
}

const layout = layoutOfModel(after)
const wanted = new Map(layout.entries.map(({ name, shape }) => [name, shape]))
/** Channels that stay, by tensor and axis. */
const kept = new Map<string, readonly number[]>()
for (const members of groups()) {
  const [{ name, axis }] = members
  const count = wanted.get(name)?.[axis] ?? 0
  const order = Array.from({ length: shapeOf(name)[axis] }, (_, c) => [importance(members, c), c] as const)
  const stay = order
    .toSorted(([a], [b]) => b - a)
    .slice(0, count)
    .map(([, c]) => c)
  for (const one of members)
    kept.set(
      `${one.name} ${one.axis}`,
      stay.toSorted((a, b) => a - b),
    )
}

const named = layout.entries.map(({ name, shape, length }) => {
  const source = teacher.values.get(name)
  if (!source) throw new Error(`${from} has no ${name}`)
  const full = shapeOf(name)
  const picked = full.map((n, axis) => kept.get(`${name} ${axis}`) ?? Array.from({ length: n }, (_, i) => i))
  const values = new Float32Array(length)
  for (let i = 0; i < length; i++) {
    let [rest, offset, stride] = [i, 0, 1]
    for (let axis = full.length - 1; axis >= 0; axis--) {
      offset += picked[axis][rest % shape[axis]] * stride
      rest = Math.floor(rest / shape[axis])
      stride *= full[axis]
    }
    values[i] = source[offset]
  }
  return { name, shape, values }
})
const { predictSizes } = teacher.metadata
await writeWeights(to, named, { config: configText(after), ...(predictSizes && { predictSizes }) }, { dtype: 'F16' })
const total = layoutOfModel(before).length
console.log(`${to}: ${layout.length} parameters, ${((100 * layout.length) / total).toFixed(1)} % of ${total}`)
