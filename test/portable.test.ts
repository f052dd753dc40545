/** The promise of the portable rooms (docs/architecture.md): they run in a browser, whatever they import. */
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** The whole of an entry as one file for a browser, and the files that it is made of. */
async function bundled(entry: string): Promise<{ code: string; files: string[] }> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    bundle: true,
    platform: 'browser',
    format: 'esm',
    write: false,
    metafile: true,
    logLevel: 'silent',
  })
  return { code: outputFiles[0].text, files: Object.keys(metafile.inputs) }
}

describe('the portable rooms', () => {
  it.each([['graph'], ['safetensors'], ['nn'], ['model'], ['image'], ['predict']])(
    '%s is bundled for a browser without anything of Node',
    async (room) => {
      const { code, files } = await bundled(`src/${room}/index.ts`)
      expect(files.filter((file) => /^src\/(node|runtime|data|eval|train|inspect|export|cli)\//.test(file))).toEqual([])
      expect(code).not.toMatch(/["']node:/)
      expect(code).not.toMatch(/\b(Buffer\.from|process\.(env|on|platform|stderr)|require\(["'])/)
    },
  )

  it('would notice: what needs Node cannot be bundled', async () => {
    await expect(bundled('src/node/index.ts')).rejects.toThrow(/Could not resolve "node:/)
  })
})
