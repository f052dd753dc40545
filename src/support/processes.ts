/**
 * Starts a module in a process of its own. Works from TypeScript sources (through tsx, in development) and from the
 * compiled package.
 */
import { type ChildProcess, execFile, type SpawnOptions, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { compiledCopy } from './compiled.ts'
import { DarError, messageOf } from './errors.ts'

/**
 * Runs the module `name` (without extension) that lies beside the module whose `import.meta.url` is given, with `argument` as
 * JSON in `process.argv[2]`, and returns the JSON that it prints. Its standard error is passed on when it fails.
 * An aborted `signal` ends it, and its reason is thrown.
 */
export async function runInProcess(
  name: string,
  besideUrl: string,
  argument: unknown,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<unknown> {
  const args = [...moduleArguments(name, besideUrl), JSON.stringify(argument)]
  const stdout = await new Promise<string>((resolve, reject) => {
    execFile(process.execPath, args, { maxBuffer: 2 ** 26, signal }, (error, stdout, stderr) => {
      if (!error) resolve(stdout)
      else if (signal?.aborted) reject(signal.reason)
      else if (error.signal)
        reject(new DarError(`the process of ${name} was ended by ${error.signal}: is memory short?`, { kind: 'gone' }))
      else reject(new DarError(`the process of ${name} failed: ${stderr.trim() || messageOf(error)}`))
    })
  })
  return JSON.parse(stdout)
}

/** Starts the module `name` (without extension) that lies beside the module whose `import.meta.url` is given. */
export function startProcess(name: string, besideUrl: string, options: SpawnOptions): ChildProcess {
  return spawn(process.execPath, moduleArguments(name, besideUrl), options)
}

function moduleArguments(name: string, besideUrl: string): string[] {
  const source = besideUrl.endsWith('.ts')
  const url = new URL(`./${name}.${source ? 'ts' : 'js'}`, besideUrl)
  const compiled = source ? compiledCopy(url.href) : url
  return compiled ? [fileURLToPath(compiled)] : ['--import', 'tsx', fileURLToPath(url)]
}

/**
 * Peak resident memory of this process in bytes, mapped files included. On Linux it is read from /proc, because the
 * system call also counts what the parent process held when it started this one.
 */
export function peakResidentBytes(): number {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS * 1024
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  if (kilobytes === undefined) throw new DarError('/proc/self/status does not say VmHWM; mount /proc to measure memory')
  return Number(kilobytes) * 1024
}
