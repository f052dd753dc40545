/**
 * A thread that builds and optimises the program of a network size and leaves it as files. It is ended afterwards: what it takes to
 * build a graph, and the weights that it has read, are then gone from memory.
 */
import '../runtime/wait-for-telemetry.ts'
import { join } from 'node:path'
import { compile } from '../graph/index.ts'
import { imageMultiple, inferenceGraph, inferenceOutputs, isMetric, outputNames } from '../model/index.ts'
import { besideWeights } from '../node/mapped.ts'
import { openModel } from '../node/model-file.ts'
import { fileHash } from '../node/model-path.ts'
import { MAP_ABOVE } from '../node/prediction-protocol.ts'
import type { ModelDescription } from '../predict/depth-model.ts'
import { sizeText } from '../predict/size.ts'
import type { Size } from '../predict/types.ts'
import { alignWeights } from '../runtime/align-weights.ts'
import { openSession, type SessionModel } from '../runtime/session.ts'
import { answerRequests, native, threadData } from '../runtime/thread.ts'
import { DarError, messageOf } from '../support/errors.ts'
import type { MakeProgramsData, MakeProgramsRequest, ProgramFile } from './program-protocol.ts'

/** 1 MB of an attention's scores at once instead of 10 MB, which every worker would keep; and of `detail`, 1 MB instead of 20. */
const VALUES_AT_ONCE = 250_000

const { nameOrPath } = threadData<MakeProgramsData>()
const opened = openModel(nameOrPath, { mapAbove: MAP_ABOVE })
opened.catch(() => {}) // told to whoever asks

async function answer(request: MakeProgramsRequest): Promise<ModelDescription | ProgramFile> {
  if (request.kind === 'make') return make(request.network, request.folder)
  const { name, path, config, size, trainedSizes } = await opened
  const known = { name, path, hash: await fileHash(path), config, size, trainedSizes }
  return { ...known, multiple: imageMultiple(config), metric: isMetric(config) }
}

async function make(network: Size, folder: string): Promise<ProgramFile> {
  const file = await opened
  const { model } = inferenceGraph(file.config, network, { batch: 1, valuesAtOnce: VALUES_AT_ONCE })
  const outputs = inferenceOutputs(model, ['depth'])
  const name = outputNames.depth
  const [height, width] = outputs[name].shape.slice(-2)
  const compiled = compile(outputs, { name: `${file.name} at ${sizeText(network)}`, weights: file.weights })
  const save = { path: join(folder, `${sizeText(network)}.onnx`), weights: `${sizeText(network)}.bin` }
  const options = { threads: 1, idle: 'sleep', provider: 'cpu', mapWeights: false } as const
  const saveFrom = async (source: SessionModel) => {
    const session = await openSession(source, options, { save })
    await native(() => session.release())
  }
  try {
    if (file.weights.kind === 'external') await besideWeights(compiled.model, file.path, (path) => saveFrom({ path }))
    else await saveFrom({ bytes: compiled.model })
    await alignWeights(save.path, join(folder, save.weights))
  } catch (error) {
    if (error instanceof DarError) throw error
    throw new DarError(
      `cannot make the program of ${file.name} in ${folder}: ${messageOf(error)}; make room there, or name another folder in TMPDIR`,
      { kind: 'output', cause: error },
    )
  }
  return { network, path: save.path, output: { name, width, height } }
}

answerRequests(answer, () => [])
