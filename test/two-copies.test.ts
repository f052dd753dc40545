/** Two copies of the package in one process, as two versions of it in somebody's node_modules would be. */
import { execFile } from 'node:child_process'
import { cp, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, expect, it } from 'vitest'
import { COMPILED } from './compiled.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { writeTinyModel } from './tiny-model.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

let folder = ''
let model = ''
beforeAll(async () => {
  folder = await temporaryFolder()
  for (const copy of ['one', 'two']) {
    await cp(COMPILED, join(folder, copy, 'dist', 'src'), { recursive: true })
    await cp(join(ROOT, 'package.json'), join(folder, copy, 'package.json'))
    await symlink(join(ROOT, 'node_modules'), join(folder, copy, 'node_modules'))
  }
  model = await writeTinyModel(join(folder, 'tiny.safetensors'))
})

/** Runs a module with `one`, `two` (the copies), `path` (the model) and `photo` at hand; what it prints is JSON. */
async function inProcess(body: string): Promise<{ code: number; printed: unknown }> {
  const entry = (copy: string) => JSON.stringify(pathToFileURL(join(folder, copy, 'dist/src/index.js')).href)
  const script = `
    const listeners = () => process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0)
    const atFirst = listeners()
    const one = await import(${entry('one')})
    const two = await import(${entry('two')})
    const path = ${JSON.stringify(model)}
    const photo = { width: 64, height: 48, data: new Uint8Array(3 * 64 * 48).fill(90) }
    ${body}`
  const args = ['--input-type=module', '--eval', script]
  const run = promisify(execFile)(process.execPath, args, { cwd: ROOT })
  const { stdout, code } = await run.then(
    ({ stdout }) => ({ stdout, code: 0 }),
    (error: { stdout: string; code: number; stderr: string }) => {
      if (error.stderr) throw new Error(error.stderr)
      return error
    },
  )
  return { code, printed: JSON.parse(stdout) }
}

it('share nothing: one is disposed, and the other predicts', async () => {
  const { printed } = await inProcess(`
    const imported = listeners() - atFirst
    const [a, b] = [await one.loadModel(path, { threads: 1 }), await two.loadModel(path, { threads: 1 })]
    const before = await b.predict(photo)
    const pending = b.predict(photo)
    await a.dispose()
    const after = await pending
    const late = await b.predict(photo)
    await b.dispose()
    console.log(JSON.stringify({
      copies: one.loadModel !== two.loadModel,
      imported,
      left: listeners() - atFirst,
      same: [after, late].every(({ depth }) => depth.every((metres, i) => metres === before.depth[i])),
    }))`)
  expect(printed).toEqual({ copies: true, imported: 0, left: 0, same: true })
})

it('end with the process while both work, with its exit code', async () => {
  const { code, printed } = await inProcess(`
    for (const { loadModel } of [one, two]) {
      const model = await loadModel(path, { threads: 1 })
      await model.predict(photo)
      for (let i = 0; i < 50; i++) model.predict(photo).catch(() => {})
    }
    setTimeout(() => {
      console.log('"ended"')
      process.exit(3)
    }, 50)`)
  expect({ code, printed }).toEqual({ code: 3, printed: 'ended' })
})
