/** Which modules an entry loads: the promise that a user of one thing does not pay for the others. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { compiledUrl } from './compiled.ts'

const ROOT = new URL('..', import.meta.url)
/** Of compiled files. */
const FOLDER = compiledUrl('index').replace(/src\/index\.js$/, '')

/** A module hook that sends the URL of every module to the thread that registered it. */
const HOOK = `data:text/javascript,${encodeURIComponent(
  'let port; export const initialize = (given) => { port = given }; ' +
    'export const load = (url, context, next) => { port.postMessage(url); return next(url, context) }',
)}`

/** Imports `argv[1]` and prints the URLs. */
const SCRIPT = `
import { register } from 'node:module'
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads'
const { port1, port2 } = new MessageChannel()
register(${JSON.stringify(HOOK)}, { data: port2, transferList: [port2] })
await import(process.argv[1])
const urls = []
for (let one; (one = receiveMessageOnPort(port1)); ) urls.push(one.message)
console.log('loaded ' + JSON.stringify(urls))
process.exit()`

export interface Loaded {
  /** Paths in this project without node_modules: `src/index.ts`. */
  readonly files: readonly string[]
  /** Packages of node_modules. */
  readonly packages: readonly string[]
}

/** Imports a file of this project, `src/index.ts`, in a process of its own, with `args` as its command line. */
export async function loadedBy(entry: string, args: readonly string[] = []): Promise<Loaded> {
  const url = compiledUrl(entry.replace(/^src\/|\.ts$/g, ''))
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '--eval', SCRIPT, '--', url, ...args],
    { cwd: fileURLToPath(ROOT) },
  )
  const line = stdout.split('\n').find((text) => text.startsWith('loaded '))
  if (line === undefined) throw new Error(`${entry} ended the process: ${stdout}`)
  const urls: string[] = JSON.parse(line.slice('loaded '.length))
  const files: string[] = []
  const packages = new Set<string>()
  for (const one of urls) {
    const [, name] = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(one) ?? []
    if (name !== undefined) packages.add(name)
    else if (one.startsWith(FOLDER)) files.push(one.slice(FOLDER.length).replace(/\.js$/, '.ts'))
  }
  return { files: files.sort(), packages: [...packages].sort() }
}
