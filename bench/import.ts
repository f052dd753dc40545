/**
 * Start-up cost: the time that `import 'dar-depth'` and `dar --version` take in a fresh process, and how much code the
 * import reads. Measures the compiled package, so run `npm run build` first.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { loadedBy } from '../test/loaded.ts'
import { median, type Row } from './report.ts'

const ROOT = new URL('..', import.meta.url)
const ENTRY = 'dist/src/index.js'
const COMMAND = 'dist/src/cli/main.js'

export async function benchImport({ runs = 15 }: { runs?: number } = {}): Promise<Row[]> {
  const [entry, command] = [ENTRY, COMMAND].map((path) => fileURLToPath(new URL(path, ROOT)))
  if (!existsSync(entry)) throw new Error(`there is no ${ENTRY}: npm run build`)
  const { files } = await loadedBy(ENTRY)
  const lines = files.map((file) => linesOf(file.replace(/^dist\//, '').replace(/\.js$/, '.ts')))
  const script =
    'const begin = performance.now(); await import(process.argv[1]); console.log(performance.now() - begin)'
  const imports = times(runs, () => Number(node('--input-type=module', '--eval', script, entry)))
  const versions = times(runs, () => elapsed(() => node(command, '--version')))
  const nothing = times(runs, () => elapsed(() => node('--eval', '0')))
  return [
    { name: "import 'dar-depth': files", value: files.length, unit: 'files' },
    { name: "import 'dar-depth': lines of source", value: lines.reduce((sum, n) => sum + n, 0), unit: 'lines' },
    { name: "import 'dar-depth'", value: median(imports), unit: 'ms' },
    { name: 'dar --version', value: median(versions), unit: 'ms' },
    { name: 'node --eval 0', value: median(nothing), unit: 'ms' },
  ]
}

const linesOf = (file: string): number => readFileSync(new URL(file, ROOT), 'utf8').split('\n').length - 1

const node = (...args: string[]): string => execFileSync(process.execPath, args, { encoding: 'utf8' })

const times = (runs: number, body: () => number): number[] => Array.from({ length: runs }, body)

function elapsed(body: () => unknown): number {
  const begin = performance.now()
  body()
  return performance.now() - begin
}
