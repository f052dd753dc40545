/** The first import of a thread that loads ONNX Runtime: returns when its owner has switched telemetry off (telemetry.ts). */
import { workerData } from 'node:worker_threads'
import { FLAGS } from './flags.ts'

const { flags } = workerData as { readonly flags: Int32Array<SharedArrayBuffer> }
Atomics.wait(flags, FLAGS.ready, 0, 10_000)
