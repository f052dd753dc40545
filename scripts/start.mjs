/**
 * `npm start -- photo.jpg …`: sets up, runs `dar predict` with the given arguments and says where the results are.
 * Without arguments it takes the room of examples/. Results go to `out` unless `--out` says otherwise.
 */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { root, runCommand, setUp } from './setup.mjs'

setUp()

// npm runs scripts in the package's folder; a relative path means the folder where the user typed the command.
const folder = process.env.npm_lifecycle_event === 'start' ? (process.env.INIT_CWD ?? root) : process.cwd()
const given = process.argv.slice(2)
const photos = given.length > 0 ? given : [join(root, 'examples', 'room', 'rgb', 'room.jpg')]
const outFlag = photos.findIndex((argument) => argument === '--out' || argument.startsWith('--out='))
const out = outFlag < 0 ? 'out' : photos[outFlag].replace(/^--out=?/, '') || photos[outFlag + 1] || ''
// The example is made anew each time; results of a photo of one's own are kept, as dar predict keeps them.
const args = [...photos, ...(outFlag < 0 ? ['--out', out] : []), ...(given.length === 0 ? ['--overwrite'] : [])]

const started = Date.now() - 1000 // one second earlier, because some file systems keep whole seconds
const code = runCommand(process.execPath, [join(root, 'dist', 'src', 'cli', 'main.js'), 'predict', ...args], {
  cwd: folder,
})
const written = writtenSince(resolve(folder, out), started)
if (written.length > 0) {
  console.error('\nThe results:')
  for (const path of written) console.error(`  ${relative(folder, path)}`)
}
process.exitCode = code

function writtenSince(path, time) {
  if (!existsSync(path)) return []
  const files = readdirSync(path).map((name) => join(path, name))
  return files.filter((file) => statSync(file).isFile() && statSync(file).mtimeMs >= time).sort()
}
