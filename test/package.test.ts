/**
 * The package as a stranger installs it: its types compile in a strict project that checks those of libraries, too, with the
 * newest TypeScript and the oldest that the README promises, and CommonJS can require it.
 */
import { execFileSync } from 'node:child_process'
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from './temporary-folder.ts'
import { writeTinyModel } from './tiny-model.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const TSC = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
/** A workspace of its own: as an alias in the root, its `tsc` would replace ours. */
const OLDEST = join(ROOT, 'test', 'oldest-typescript', 'node_modules', 'typescript')
const OLDEST_TSC = join(OLDEST, 'bin', 'tsc')

interface Manifest {
  readonly version: string
  readonly dependencies: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, unknown>>
}

describe('the packed package', () => {
  let project = ''
  let manifest: Manifest
  let entries: readonly string[] = []
  beforeAll(async () => {
    project = await temporaryFolder()
    manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
    const built = join(project, 'built')
    await mkdir(built)
    // Without what `npm pack` takes from elsewhere: models and examples have no types.
    for (const file of ['package.json', 'README.md', 'LICENSE', 'NOTICE']) await cp(join(ROOT, file), join(built, file))
    node([TSC, '-p', join(ROOT, 'tsconfig.build.json'), '--outDir', join(built, 'dist')], ROOT)
    execFileSync('npm', ['pack', '--ignore-scripts', '--pack-destination', project], { cwd: built, stdio: 'pipe' })
    const modules = join(project, 'node_modules')
    await mkdir(join(modules, 'dar-depth'), { recursive: true })
    const tarball = join(project, `dar-depth-${manifest.version}.tgz`)
    execFileSync('tar', ['xzf', tarball, '--strip-components=1', '-C', join(modules, 'dar-depth')])
    // Only what an installation brings, and Node's types, which every project has that uses Node.
    for (const name of [...Object.keys(manifest.dependencies), '@types/node', 'undici-types']) {
      await mkdir(dirname(join(modules, name)), { recursive: true })
      await symlink(join(ROOT, 'node_modules', name), join(modules, name))
    }
    // What is named as a file is no module.
    entries = Object.keys(manifest.exports).filter((entry) => typeof manifest.exports[entry] === 'object')
    const imports = entries.map((entry, i) => `import * as room${i} from 'dar-depth${entry.slice(1)}'`)
    const app = `${imports.join('\n')}
import { type ColorMapName, type DepthMap, type DepthResult, type ImageInput, loadModel, pipeline } from 'dar-depth'
const map: ColorMapName = 'turbo'
// @ts-expect-error a name that is none, which a type that was lost would let through
const wrong: ColorMapName = 'rainbow'
export const rooms = [${entries.map((_, i) => `room${i}`).join(', ')}, map, wrong]
export async function metres(photo: string): Promise<DepthMap['depth']> {
  await using model = await loadModel('dar-nano')
  return (await model.predict(photo)).depth
}
export async function everything(photo: string, signal: AbortSignal): Promise<number> {
  const model = await loadModel('hub:owner/name', { device: 'cpu', offline: true, signal, onProgress: (done, all) => done / all })
  const inputs: ImageInput[] = [photo, new URL('file:///a'), Buffer.of(), new ArrayBuffer(1), new Blob([]), new File([], 'a')]
  inputs.push({ data: new Uint8ClampedArray(4), width: 1, height: 1, channels: 4 })
  // @ts-expect-error no image
  inputs.push(42)
  let last: DepthResult | null = null
  for await (const { step, of, final, ...map } of model.stream(photo, { fov: 60, signal })) if (final && step === of) last = map as DepthResult
  const { unit, valid, intrinsics, model: by } = await model.predict(photo, { intrinsics: { fx: 1, fy: 1 }, flip: true, signal })
  const estimate = await pipeline('depth-estimation', 'dar-nano', { threads: 1 })
  const [{ predicted_depth, depth }] = await estimate([photo])
  const kind: 'metre' | 'relative' = unit
  return valid[0] + intrinsics.fx + predicted_depth.dims[0] + depth.channels + kind.length + (by.hash ?? '').length + (last?.max ?? 0)
}
`
    await writeFile(join(project, 'package.json'), '{ "type": "module" }')
    await writeFile(join(project, 'app.ts'), app)
    await writeFile(join(project, 'app.cts'), app)
    await writeFile(
      join(project, 'later.cts'),
      `export async function centre(photo: string): Promise<number> {
  const { loadModel } = await import('dar-depth')
  await using model = await loadModel('dar-nano')
  return (await model.predict(photo)).depth[0]
}
`,
    )
  }, 300_000)

  const compile = async (tsc: string, file: string, [moduleResolution, module]: readonly [string, string]) => {
    const compilerOptions = {
      strict: true,
      skipLibCheck: false,
      noEmit: true,
      target: 'es2022',
      lib: ['es2023', 'esnext.disposable'],
      types: ['node'],
      module,
      moduleResolution,
    }
    await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [file] }))
    return node([tsc, '-p', project], project)
  }

  describe.each([
    ['the newest TypeScript', TSC],
    ['the oldest TypeScript', OLDEST_TSC],
  ])('under %s', (_, tsc) => {
    it.each([
      ['node16', 'node16'],
      ['bundler', 'esnext'],
    ])('compiles with strict types, moduleResolution %s and no skipLibCheck', { timeout: 300_000 }, async (...kind) => {
      expect(await compile(tsc, 'app.ts', kind)).toBe('')
    })

    it('compiles in CommonJS with import() under node16', { timeout: 300_000 }, async () => {
      expect(await compile(tsc, 'later.cts', ['node16', 'node16'])).toBe('')
    })
  })

  it('compiles in CommonJS with import under nodenext', { timeout: 300_000 }, async () => {
    expect(await compile(TSC, 'app.cts', ['nodenext', 'nodenext'])).toBe('')
  })

  it('is promised for the oldest TypeScript that is tried, on every page that names one', async () => {
    const { version } = JSON.parse(await readFile(join(OLDEST, 'package.json'), 'utf8'))
    const oldest = version.split('.').slice(0, 2).join('.')
    for (const page of ['README.md', 'docs/stability.md'])
      expect(await readFile(join(ROOT, page), 'utf8'), page).toContain(`TypeScript ${oldest} `)
  })

  it('is required by CommonJS, every entry of it, and predicts', { timeout: 300_000 }, async () => {
    await writeTinyModel(join(project, 'tiny.safetensors'))
    await writeFile(
      join(project, 'app.cjs'),
      `${entries.map((entry) => `require('dar-depth${entry.slice(1)}')`).join('\n')}
const { loadModel } = require('dar-depth')
async function main() {
  const model = await loadModel('tiny.safetensors', { threads: 1 })
  const photo = { width: 40, height: 30, data: new Uint8Array(40 * 30 * 3) }
  const { depth } = await model.predict(photo)
  let last
  for await (const map of model.stream(photo)) last = map
  await model.dispose()
  console.log(depth.length, last.final, last.depth.every((metres, i) => Math.abs(metres / depth[i] - 1) < 1e-5))
}
main()
`,
    )
    expect(node(['app.cjs'], project)).toBe('1200 true true\n')
  })
})

/** What it prints; of a failure likewise. */
function node(args: readonly string[], cwd: string): string {
  try {
    return execFileSync(process.execPath, [...args], { cwd, encoding: 'utf8', stdio: 'pipe' })
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout?: string; readonly stderr?: string }
    return `${stdout ?? error}${stderr ?? ''}`
  }
}
