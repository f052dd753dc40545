/** The promise of index.ts: these files run in a browser, whatever they import. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const PORTABLE = ['camera', 'canvas', 'colormap', 'compose', 'font', 'legend', 'normalise', 'npy', 'resize', 'types']
const PACKAGES = ['d3-scale-chromatic']

/** Every package that a file reaches through imports, and whether one of the files uses Node's globals. */
function reach(url: URL, seen = new Set<string>()): { packages: string[]; globals: string[] } {
  if (seen.has(url.href)) return { packages: [], globals: [] }
  seen.add(url.href)
  const code = readFileSync(url, 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '')
  const names = [...code.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, name]) => name)
  const below = names.filter((name) => name.startsWith('.')).map((name) => reach(new URL(name, url), seen))
  return {
    packages: [...names.filter((name) => !name.startsWith('.')), ...below.flatMap((found) => found.packages)],
    globals: [
      ...(code.match(/\b(Buffer|process|require|__dirname)\b/g) ?? []),
      ...below.flatMap((found) => found.globals),
    ],
  }
}

describe('what the browser imports', () => {
  it.each(PORTABLE)('%s.ts reaches neither Node nor sharp', (file) => {
    const { packages, globals } = reach(new URL(`./${file}.ts`, import.meta.url))
    expect(packages.filter((name) => !PACKAGES.includes(name))).toEqual([])
    expect(globals).toEqual([])
  })

  it('would notice, since decode.ts reaches both', () => {
    expect(reach(new URL('./decode.ts', import.meta.url)).packages).toEqual(
      expect.arrayContaining(['sharp', 'node:fs/promises']),
    )
  })
})
