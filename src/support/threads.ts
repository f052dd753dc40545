/** Starts worker threads from TypeScript sources (through tsx, in development) and from the compiled package. */
import { Worker, type WorkerOptions } from 'node:worker_threads'
import { compiledCopy } from './compiled.ts'

/**
 * A thread running the module `name` (without extension) that lies beside the module whose `import.meta.url` is given.
 * Node 20 ignores `--import` in a worker's execArgv, so a TypeScript worker registers tsx itself before its import.
 */
export function startWorker(name: string, besideUrl: string, options: WorkerOptions = {}): Worker {
  if (!besideUrl.endsWith('.ts')) return new Worker(new URL(`./${name}.js`, besideUrl), options)
  const url = new URL(`./${name}.ts`, besideUrl).href
  const compiled = compiledCopy(url)
  if (compiled) return new Worker(compiled, options)
  const bootstrap = `import('tsx/esm/api').then(({ register }) => { register(); return import(${JSON.stringify(url)}) })`
  return new Worker(bootstrap, { ...options, eval: true })
}
