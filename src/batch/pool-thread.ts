/**
 * The thread of one worker: it resizes a photo, runs the program on one core and brings the map to the photo's size. It builds no
 * graph and holds no weights, which every worker maps from the same file. So it imports little, and a further worker costs little.
 */
import '../runtime/wait-for-telemetry.ts'
import type { InferenceSession } from 'onnxruntime-node'
import { resizeBilinear, toPlanes } from '../image/resize.ts'
import { factsOf } from '../predict/facts.ts'
import type { Answer, Job } from '../predict/pipeline.ts'
import { LeasedCache } from '../predict/program-cache.ts'
import { engineErrorOf } from '../runtime/engine-error.ts'
import { openSession, tensorOf } from '../runtime/session.ts'
import { answerRequests, native, threadData } from '../runtime/thread.ts'
import { DarError, messageOf } from '../support/errors.ts'
import { free } from './free.ts'
import type { PoolRequest, PoolThreadData, ProgramFile } from './program-protocol.ts'

/** Network sizes whose programs are kept: landscape and portrait. Each takes what a run needs (17 MB for dar-nano). */
const KEPT_SIZES = 2

interface Program {
  readonly session: InferenceSession
  dispose(): Promise<void>
}

const { fatalWidth } = threadData<PoolThreadData>()
const programs = new LeasedCache<Program>(KEPT_SIZES)

async function answer(request: PoolRequest): Promise<Answer | null> {
  if (request.kind === 'predict') return predict(request.program, request.job)
  await programs.clear()
  return null
}

async function open({ path }: ProgramFile): Promise<Program> {
  // A pattern of memory would be held beside what the first run took: twice as much.
  const options = { threads: 1, idle: 'sleep', provider: 'cpu', mapWeights: false, memoryPattern: false } as const
  const session = await openSession({ path }, options, { optimised: true })
  return { session, dispose: () => native(() => session.release()) }
}

async function predict(program: ProgramFile, job: Job): Promise<Answer> {
  if (fatalWidth !== undefined && job.image.width === fatalWidth) process.exit(1) // in a thread: ends the thread
  const { width, height } = program.network
  const begin = performance.now()
  try {
    return await programs.use(
      program.path,
      () => open(program),
      async ({ session }) => {
        const opened = performance.now()
        const planes = toPlanes(job.image, width, height)
        free(job.image.data)
        const prepared = performance.now()
        const image = tensorOf({ name: 'image', dtype: 'float32', shape: [1, 3, height, width] }, planes)
        const results = await native(() => session.run({ image }, [program.output.name]))
        const ran = performance.now()
        free(planes)
        const raw = results[program.output.name].data as Float32Array
        const { finite, depth } = inMetres(raw, program, job)
        const facts = job.maps === 'image' ? factsOf(depth.data, job.range) : null
        const milliseconds = {
          compile: opened - begin,
          prepare: prepared - opened,
          run: ran - prepared,
          finish: performance.now() - ran,
        }
        return { depth, sigma: null, steps: [], finite, facts, milliseconds }
      },
    )
  } catch (error) {
    throw error instanceof DarError ? error : engineErrorOf(program.path, messageOf(error))
  }
}

/** The network's map in metres within the model's range, at the photo's size or its own. As `Pipeline` does it. */
function inMetres(raw: Float32Array, { output }: ProgramFile, { metres, range, maps, image }: Job) {
  let sum = 0
  for (let i = 0; i < raw.length; i++) sum += raw[i] *= metres
  if (range) for (let i = 0; i < raw.length; i++) raw[i] = Math.min(range.most, Math.max(range.least, raw[i]))
  const { width, height } = maps === 'image' ? image : output
  const data = maps === 'image' ? resizeBilinear(raw, output.width, output.height, width, height) : raw
  return { finite: Number.isFinite(sum), depth: { width, height, data } }
}

/** The memory of the maps, which moves to the pool. */
function transfers(value: Answer | null): ArrayBuffer[] {
  if (!value) return []
  return [value.depth.data, value.facts?.valid].flatMap((array) => (array ? [array.buffer as ArrayBuffer] : []))
}

answerRequests(answer, transfers)
