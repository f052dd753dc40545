/** Runs one training step and prints its memory and time. See checkpointing.ts. */
import { readFileSync, writeFileSync } from 'node:fs'
import { memoryUse } from '../src/graph/index.ts'
import { PRESETS } from '../src/model/index.ts'
import { Engine } from '../src/runtime/engine.ts'
import { peakResidentBytes } from '../src/support/processes.ts'
import { loadStep, trainingGraph, trainingOutputs } from '../src/train/step-program.ts'

export interface StepRequest {
  readonly preset: string
  readonly width: number
  readonly height: number
  readonly batch: number
  readonly threads: number
  readonly checkpoints: 'keep' | 'recompute'
}

/** Bytes, and seconds. */
export interface StepMeasured {
  readonly derived: number
  /** What the process holds at its peak during the step beyond what it held before, without the copies of the gradients. */
  readonly measured: number
  readonly seconds: number
  readonly loss: number
}

const residentBytes = () => Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024
/** Of the process so far; it starts again from what is resident now. */
const forgetPeak = () => writeFileSync('/proc/self/clear_refs', '5')

const { preset, threads, ...options } = JSON.parse(process.argv[2]) as StepRequest

function derivedBytes(): number {
  const { outputs, gradients } = trainingOutputs(PRESETS[preset], options)
  return memoryUse(Object.values(outputs), { parameters: 'fed', bound: gradients }).activations
}

const graph = trainingGraph(PRESETS[preset], options)
const { layout } = graph
// All parameters lie in one short stretch, and so do all gradients: memory of the state is not what is measured here.
const shared = { ...layout, entries: layout.entries.map((entry) => ({ ...entry, offset: 0 })) }
const longest = layout.entries.reduce((most, { length }) => Math.max(most, length), 0)
const wave = Float32Array.from({ length: longest }, (_, i) => 0.02 * Math.sin(12.9898 * i))
await using engine = new Engine({ threads, idle: 'sleep' })
await using params = await engine.allocate('params', wave)
await using grads = await engine.allocate('grads', new Float32Array(longest))
await using program = await loadStep(engine, { ...graph, layout: shared }, { params, grads })
const pixels = options.batch * options.width * options.height
const image = Float32Array.from({ length: 3 * pixels }, (_, i) => Math.abs(Math.sin(i)))
const depth = Float32Array.from({ length: pixels }, (_, i) => 1 + Math.abs(Math.sin(i)))

const before = residentBytes()
forgetPeak()
const { loss } = await program.run({ image, depth })
// The engine returns every output as a tensor of its own, bound or not.
const copies = 4 * layout.length
const measured: StepMeasured = {
  derived: derivedBytes(),
  measured: peakResidentBytes() - before - copies,
  seconds: program.lastMilliseconds / 1000,
  loss: Number(loss[0]),
}
process.stdout.write(JSON.stringify(measured))
