/** Starts worker threads from TypeScript sources (through tsx, in development) and from the compiled package. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker, type WorkerOptions } from 'node:worker_threads'
import { compiledCopy } from './compiled.ts'
import { DarError } from './errors.ts'

/** What to do when the files of the package are not beside its code. */
export const UNBUNDLED =
  'if a bundler put dar-depth into another file, leave it out there (external), as docs/node-service.md says'

/**
 * A thread running the module `name` (without extension) that lies beside the module whose `import.meta.url` is given.
 * Node 20 ignores `--import` in a worker's execArgv, so a TypeScript worker registers tsx itself before its import.
 * @throws DarError when there is no such file.
 */
export function startWorker(name: string, besideUrl: string, options: WorkerOptions = {}): Worker {
  const isSource = besideUrl.endsWith('.ts')
  const url = new URL(`./${name}.${isSource ? 'ts' : 'js'}`, besideUrl)
  if (!existsSync(url)) throw new DarError(`${fileURLToPath(url)} was not found; ${UNBUNDLED}`, { kind: 'missing' })
  const compiled = isSource ? compiledCopy(url.href) : url
  if (compiled && !isTextTyped()) return new Worker(compiled, options)
  const load = `import(${JSON.stringify((compiled ?? url).href)})`
  const bootstrap = compiled ? load : `import('tsx/esm/api').then(({ register }) => { register(); return ${load} })`
  return new Worker(bootstrap, { ...options, eval: true })
}

/**
 * Whether the program was given as text, as by `node --input-type=module --eval …`. Threads inherit that option, and Node refuses it
 * for a thread that runs a file.
 */
const isTextTyped = (): boolean => process.execArgv.some((option) => option.startsWith('--input-type'))
