import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { compiledCopy } from './compiled.ts'
import { startWorker } from './threads.ts'

let folder = ''
beforeAll(async () => {
  folder = await temporaryFolder()
  const body = (type: string) =>
    `import { parentPort, workerData } from 'node:worker_threads'\nparentPort!.postMessage(workerData${type})\n`
  await writeFile(join(folder, 'echo.ts'), body(' as string'))
  await writeFile(join(folder, 'echo.js'), body('').replace('!', ''))
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
})

describe('a thread', () => {
  // Neither has a compiled copy: the folder is not the project's.
  it.each(['beside.ts', 'beside.js'])('is started from a module beside %s', async (name) => {
    const worker = startWorker('echo', pathToFileURL(join(folder, name)).href, { workerData: name })
    expect(await once(worker, 'message')).toEqual([name])
    await worker.terminate()
  })
})

it('a thread whose file a bundler left behind is refused with the remedy', () => {
  const bundle = pathToFileURL(join(folder, 'bundle.js')).href
  expect(() => startWorker('prediction-thread', bundle)).toThrow(/prediction-thread\.js was not found; .*external/)
})

describe('a compiled copy', () => {
  const source = (name: string) => new URL(name, import.meta.url).href

  it('is found for a source, and for nothing else', () => {
    expect(compiledCopy(source('./files.ts'))?.pathname).toMatch(/\/\.compiled\/src\/support\/files\.js$/)
    expect(compiledCopy(source('./threads.test.ts'))).toBeNull()
    expect(compiledCopy(pathToFileURL(join(folder, 'echo.ts')).href)).toBeNull()
  })
})
