/**
 * Takes training steps of one model on random pictures, one for each line `step` on its input, and answers with the milliseconds;
 * `memory` is answered with the peak of this process in MB. See train.ts.
 */
import { createInterface } from 'node:readline'
import { type FlatConfig, parseConfig } from '../src/model/index.ts'
import { Engine, type ResidentBuffer } from '../src/runtime/engine.ts'
import { Random } from '../src/support/random.ts'
import { AdamW, STATE_NAMES, type TrainingState } from '../src/train/optimiser.ts'
import { initialise } from '../src/train/parameters.ts'
import { feedsOf, loadStep, trainingGraph } from '../src/train/step-program.ts'

/** Also what train_reference.py is given. */
export interface StepCase {
  readonly config: FlatConfig
  readonly batch: number
  readonly width: number
  readonly height: number
  readonly threads: number
}

const { config: flat, batch, width, height, threads }: StepCase = JSON.parse(process.argv[2])
const config = parseConfig(flat)
await using engine = new Engine({ threads, memory: 'pieces' }) // as dar train
const graph = trainingGraph(config, { batch, width, height })
const state = await startingState()
const program = await loadStep(engine, graph, state)
const adam = await AdamW.create(engine, graph.layout, state)

const random = new Random(1)
const image = Float32Array.from({ length: batch * 3 * height * width }, () => random.uniform())
const depth = Float32Array.from({ length: batch * height * width }, () => random.uniform(0.5, 9.5))
let steps = 0

for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'memory') {
    console.log(process.resourceUsage().maxRSS / 1024)
    continue
  }
  const begin = performance.now()
  const none = { draws: new Float32Array(0), taps: [] }
  await program.run(feedsOf(program, { image, depth, teacher: new Uint8Array(batch), ...none }))
  await adam.apply(steps++, 1e-5, await adam.gradientNorm())
  console.log(performance.now() - begin)
}

/** In a function, so that the copies outside the engine are garbage when it is left; one after the other, as each is copied on its way. */
async function startingState(): Promise<TrainingState> {
  const zeros = new Float32Array(graph.layout.length)
  const params = initialise(graph.layout, 1)
  const start = { params, grads: zeros, m: zeros, v: zeros, ema: params }
  const buffers: [string, ResidentBuffer][] = []
  for (const name of STATE_NAMES) buffers.push([name, await engine.allocate(name, start[name])])
  return Object.fromEntries(buffers) as unknown as TrainingState
}
