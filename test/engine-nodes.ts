/**
 * For tests only: what ONNX Runtime makes of a model. The nodes that are left of it after its optimiser, in the order in which they
 * run, from a profile of one run in a process of its own. Inputs are ones.
 */
import { execFile } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { temporaryFolder } from './temporary-folder.ts'

export interface EngineNode {
  /** ONNX operator. */
  readonly type: string
  readonly name: string
}

interface ProfileEvent {
  readonly cat: string
  readonly name: string
  readonly ts: number
  readonly args: { readonly op_name?: string }
}

const SUFFIX = '_kernel_time'

const CHILD = `
import ort from 'onnxruntime-node'
const folder = process.argv[1]
const session = await ort.InferenceSession.create(folder + '/model.onnx', {
  executionProviders: ['cpu'],
  intraOpNumThreads: 1,
  graphOptimizationLevel: 'all',
  enableProfiling: true,
  profileFilePrefix: folder + '/profile',
})
const feeds = session.inputMetadata.map(({ name, shape }) => {
  const values = new Float32Array(shape.reduce((product, n) => product * n, 1)).fill(1)
  return [name, new ort.Tensor('float32', values, shape)]
})
await session.run(Object.fromEntries(feeds))
session.endProfiling()
`

/** model: an ONNX model whose inputs are all float32. */
export async function engineNodes(model: Uint8Array): Promise<readonly EngineNode[]> {
  const folder = await temporaryFolder()
  await writeFile(join(folder, 'model.onnx'), model)
  await promisify(execFile)(process.execPath, ['--input-type=module', '-e', CHILD, folder])
  const profile = (await readdir(folder)).find((name) => name.startsWith('profile'))
  if (!profile) throw new Error('the engine wrote no profile')
  const events = JSON.parse(await readFile(join(folder, profile), 'utf8')) as ProfileEvent[]
  return events
    .filter(({ cat, name }) => cat === 'Node' && name.endsWith(SUFFIX))
    .sort((a, b) => a.ts - b.ts)
    .map(({ name, args }) => ({ type: args.op_name ?? '', name: name.slice(0, -SUFFIX.length) }))
}
