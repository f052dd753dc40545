/**
 * The thread that a model runs in. It reads the model file, builds and compiles graphs, runs them, and resizes photos
 * and maps (predict/pipeline.ts). The calling thread does none of this.
 */
import '../runtime/wait-for-telemetry.ts'
import type { Compiled } from '../graph/index.ts'
import { imageMultiple, inferenceGraph, isMetric, refuseWrongOnWebGpu } from '../model/index.ts'
import { OpenStreams } from '../predict/open-streams.ts'
import { Pipeline } from '../predict/pipeline.ts'
import type { RunnableGraph, Runner } from '../predict/runner.ts'
import type { NetworkStep } from '../predict/types.ts'
import { engineErrorOf } from '../runtime/engine-error.ts'
import { checkProvider } from '../runtime/provider.ts'
import { openSession, type SessionModel, tensorOf } from '../runtime/session.ts'
import { answerRequests, native, threadData } from '../runtime/thread.ts'
import { assert, DarError, messageOf } from '../support/errors.ts'
import { besideWeights } from './mapped.ts'
import { type ModelFile, openModel } from './model-file.ts'
import { fileHash } from './model-path.ts'
import type { PredictionAnswer, PredictionRequest, PredictionThreadData } from './prediction-protocol.ts'

const { nameOrPath, name, mapAbove, batch, ...engine } = threadData<PredictionThreadData>()
let pipeline: Pipeline | null = null
let streams: OpenStreams | null = null

async function answer(request: PredictionRequest): Promise<PredictionAnswer> {
  switch (request.kind) {
    case 'open': {
      await checkProvider(engine.provider) // before the first photo is read
      const file = await openModel(nameOrPath, { mapAbove, name })
      if (engine.provider === 'webgpu') {
        const side = 4 * imageMultiple(file.config) // any size has the same weights
        const { graph } = inferenceGraph(file.config, { width: side, height: side })
        refuseWrongOnWebGpu(graph.parameters.values(), file.name, 'predict on the CPU')
      }
      pipeline = new Pipeline(file, runnerFor(file), { batch })
      streams = new OpenStreams(pipeline)
      const { weights: _, config, ...known } = file
      const hash = await fileHash(file.path)
      return { ...known, hash, config, multiple: imageMultiple(config), metric: isMetric(config) }
    }
    case 'predict':
      assert(pipeline, 'a prediction before the model was opened')
      return pipeline.predict(request.network, request.jobs)
    case 'stream':
    case 'step':
    case 'leave':
      assert(streams, 'a stream before the model was opened')
      return streams.answer(request)
    case 'close':
      await streams?.dispose()
      await pipeline?.dispose()
      return null
  }
}

function runnerFor({ weights, path }: ModelFile): Runner {
  const mapWeights = weights.kind === 'external'
  const open = (model: SessionModel) => openSession(model, { ...engine, mapWeights })
  return {
    load: (compiled) =>
      naming(compiled.name, async () => {
        const session = mapWeights
          ? await besideWeights(compiled.model, path, (model) => open({ path: model }))
          : await open({ bytes: compiled.model })
        return runnable(compiled, session)
      }),
  }
}

function runnable(
  { name, inputs: ports, outputs }: Compiled,
  session: Awaited<ReturnType<typeof openSession>>,
): RunnableGraph {
  return {
    outputs,
    run: (feeds, fetch) =>
      naming(name, async () => {
        const inputs = Object.fromEntries(ports.map((port) => [port.name, tensorOf(port, feeds[port.name])]))
        const begin = performance.now()
        const results = await native(() => session.run(inputs, [...fetch]))
        const milliseconds = performance.now() - begin
        const fetched = fetch.map((output) => [output, results[output].data as Float32Array])
        return { outputs: Object.fromEntries(fetched), milliseconds }
      }),
    dispose: () => native(() => session.release()),
  }
}

/** Adds the graph's name to errors. */
async function naming<T>(graph: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof DarError ? error : engineErrorOf(graph, messageOf(error))
  }
}

/** The memory of all maps, which is transferred to the calling thread. */
function transfers(value: PredictionAnswer): ArrayBuffer[] {
  if (value === null || 'config' in value) return []
  const one = 'maps' in value ? [value.maps ?? []] : value.map((answer) => [answer, ...answer.steps])
  const steps: readonly NetworkStep[] = one.flat()
  const masks = ('maps' in value ? [value] : value).flatMap(({ facts }) => facts?.valid ?? [])
  const maps = steps.flatMap(({ depth, sigma }) => [depth.data, ...(sigma ? [sigma.data] : [])])
  return [...new Set([...maps, ...masks].map(({ buffer }) => buffer as ArrayBuffer))]
}

answerRequests(answer, transfers)
