/** The promise of the portable rooms (docs/architecture.md): they run in a browser, whatever they import. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createContext, runInContext } from 'node:vm'
import { build } from 'esbuild'
import { describe, expect, it } from 'vitest'
import { openModel } from '../src/node/index.ts'
import { type Job, Pipeline } from '../src/predict/index.ts'
import { Engine } from '../src/runtime/engine.ts'
import { engineRunner } from './engine-runner.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { writeTinyModel } from './tiny-model.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** The whole of an entry as one file for a browser, and the files that it is made of. */
async function bundled(entry: string, format: 'esm' | 'iife' = 'esm'): Promise<{ code: string; files: string[] }> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    bundle: true,
    platform: 'browser',
    target: 'es2022',
    format,
    globalName: 'dar',
    write: false,
    metafile: true,
    logLevel: 'silent',
  })
  return { code: outputFiles[0].text, files: Object.keys(metafile.inputs) }
}

describe('the portable rooms', () => {
  it.each([['graph'], ['safetensors'], ['nn'], ['model'], ['image'], ['formats'], ['predict'], ['web']])(
    '%s is bundled for a browser without anything of Node',
    async (room) => {
      const { code, files } = await bundled(`src/${room}/index.ts`)
      expect(files.filter((file) => /^src\/(node|runtime|data|eval|train|inspect|export|cli)\//.test(file))).toEqual([])
      expect(code).not.toMatch(/["']node:/)
      expect(code).not.toMatch(/\b(Buffer\.from|process\.(env|on|platform|stderr)|require\(["'])/)
    },
  )

  it('would notice: what needs Node cannot be bundled', async () => {
    await expect(bundled('src/node/index.ts')).rejects.toThrow(/Could not resolve "(?:node:)?fs"/)
  })

  it('predict where there is the language and three globals (types/portable.d.ts), with the same maps', async () => {
    const { code } = await bundled('src/predict/index.ts', 'iife')
    const bare = createContext({ performance, TextEncoder, TextDecoder })
    // What a page does for a browser that does not know `using` yet.
    runInContext("for (const name of ['dispose', 'asyncDispose']) Symbol[name] ??= Symbol(name)", bare)
    const BarePipeline = runInContext(`${code}; dar.Pipeline`, bare) as typeof Pipeline

    const folder = await temporaryFolder()
    await using engine = new Engine({ threads: 1 })
    const file = await openModel(await writeTinyModel(join(folder, 'tiny.safetensors')), { mapAbove: 1e9 })
    const data = Uint8Array.from({ length: 3 * 90 * 70 }, (_, i) => 128 + 100 * Math.sin(i / 50))
    const job: Job = { image: { width: 90, height: 70, data }, metres: 1.5, range: null, steps: false, maps: 'image' }
    const depths: Float32Array[] = []
    for (const Kind of [BarePipeline, Pipeline]) {
      const pipeline = new Kind(file, engineRunner(engine))
      depths.push((await pipeline.predict({ width: 128, height: 96 }, [job]))[0].depth.data)
      await pipeline.dispose()
    }
    expect(depths[0]).not.toBeInstanceOf(Float32Array) // of the other world
    expect([...depths[0]]).toEqual([...depths[1]])
  })
})
