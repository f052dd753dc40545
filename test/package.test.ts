/** The package as a stranger installs it: its types compile in a strict project that checks those of libraries, too. */
import { execFileSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const TSC = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')

interface Manifest {
  readonly version: string
  readonly dependencies: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, unknown>>
}

describe('the packed package', () => {
  let project = ''
  let manifest: Manifest
  beforeAll(async () => {
    project = await mkdtemp(join(tmpdir(), 'dar-package-'))
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
    const entries = Object.keys(manifest.exports).filter((entry) => entry !== './package.json')
    const imports = entries.map((entry, i) => `import * as room${i} from 'dar-depth${entry.slice(1)}'`)
    await writeFile(
      join(project, 'app.ts'),
      `${imports.join('\n')}
import { type ColorMapName, type DepthMap, loadModel } from 'dar-depth'
const map: ColorMapName = 'turbo'
// @ts-expect-error a name that is none, which a type that was lost would let through
const wrong: ColorMapName = 'rainbow'
export const rooms = [${entries.map((_, i) => `room${i}`).join(', ')}, map, wrong]
export async function metres(photo: string): Promise<DepthMap['depth']> {
  await using model = await loadModel('dar-nano')
  return (await model.predict(photo)).depth
}
`,
    )
  }, 300_000)
  afterAll(() => rm(project, { recursive: true, force: true }))

  it.each([
    ['node16', 'node16'],
    ['bundler', 'esnext'],
  ])(
    'compiles with strict types, moduleResolution %s and no skipLibCheck',
    async (moduleResolution, module) => {
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
      await writeFile(join(project, 'package.json'), '{ "type": "module" }')
      await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['app.ts'] }))
      expect(node([TSC, '-p', project], project)).toBe('')
    },
    300_000,
  )
})

/** What it prints; of a failure likewise. */
function node(args: readonly string[], cwd: string): string {
  try {
    return execFileSync(process.execPath, [...args], { cwd, encoding: 'utf8', stdio: 'pipe' })
  } catch (error) {
    return String((error as { readonly stdout?: string }).stdout ?? error)
  }
}
