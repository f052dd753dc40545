/** docs/export.md as it stands: its commands run one after the other, and its page shows the depth of a photo in Chromium. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, expect, it } from 'vitest'
import { findChromium, inPage } from './chromium.ts'
import { DAR } from './compiled.ts'
import { temporaryFolder } from './temporary-folder.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const page = readFileSync(join(ROOT, 'docs', 'export.md'), 'utf8')
const browser = findChromium()

let folder = ''
beforeAll(async () => {
  folder = await temporaryFolder()
})

it('exports by the commands of the page', { timeout: 300_000 }, () => {
  const [, block] = /```sh\n([\s\S]*?)```/.exec(page) ?? []
  const commands = block.split('\n').flatMap((line) => /^npx dar (export [^#]*)/.exec(line)?.[1].trim() ?? [])
  expect(commands.length).toBeGreaterThan(2)
  for (const command of commands) {
    // The page's folders are relative.
    const args = command.split(/\s+/).map((word) => (word.startsWith('web/') ? join(folder, word) : word))
    const printed = execFileSync(process.execPath, [DAR, ...args], {
      cwd: ROOT,
      encoding: 'utf8',
    })
    expect(printed, command).toMatch(/\.onnx: [\d.]+ MB/)
  }
})

it.skipIf(!browser)('shows depth in the page', { timeout: 300_000 }, async () => {
  const [, body, script] = /```html\n([\s\S]*?)<script type="module">\n([\s\S]*?)<\/script>/.exec(page) ?? []
  const [line = '', names] =
    /import (\{.*\}) from 'https:\/\/cdn\.jsdelivr\.net\/npm\/@huggingface\/transformers@4'/.exec(script) ?? []
  expect(line).not.toBe('')
  // The library as it is installed here, for that of the CDN. The rest of the page is run as it stands.
  const here = script.replace(
    line,
    `const ${names} = await import('/modules/@huggingface/transformers/dist/transformers.min.js')
    env.backends.onnx.wasm.wasmPaths = '/modules/onnxruntime-web/dist/'
    env.backends.onnx.wasm.numThreads = 1
    document.body.innerHTML = ${JSON.stringify(body)}
    const said = []
    console.log = (...words) => said.push(words)`,
  )
  const use = `
    const photo = await (await fetch('/photos/coffee.jpg')).blob()
    await document.querySelector('input').onchange({ target: { files: [photo] } })
    const { width, height } = document.querySelector('canvas')
    const pixels = document.querySelector('canvas').getContext('2d').getImageData(0, 0, width, height).data
    await answer({ said, width, height, greys: new Set(pixels.filter((_, i) => i % 4 === 0)).size })`
  const folders = {
    modules: join(ROOT, 'node_modules'),
    web: join(folder, 'web'),
    photos: join(ROOT, 'examples'),
  }
  const shown = await inPage(browser ?? '', here + use, { folders, milliseconds: 280_000 })
  const { said, ...canvas } = shown as {
    said: [string, number, string][]
    width: number
    height: number
    greys: number
  }
  expect(canvas).toMatchObject({ width: 600, height: 400 })
  expect(canvas.greys).toBeGreaterThan(100)
  expect(said).toEqual([['the middle is', expect.any(Number), 'm away']])
  expect(said[0][1]).toBeGreaterThan(0.1)
  expect(said[0][1]).toBeLessThan(10)
})
