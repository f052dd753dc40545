/**
 * The order of the rooms, as docs/architecture.md lists them, against the imports of src/: a room imports from rooms above
 * it, and no file imports itself by way of others. Types count: a circle of types ties files together just as well.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = resolve(import.meta.dirname, '..')
const SRC = join(ROOT, 'src')

/** `import … from`, `export … from`, `import '…'` and `import('…')` of relative paths. Biome keeps each at the start of a line. */
const IMPORT = /^(?:import|export)\b[^'"`;]*?['"](\.{1,2}\/[^'"]+)['"]|\bimport\(['"](\.{1,2}\/[^'"]+)['"]\)/gm

/** Paths below src/ → the paths below src/ that they import. */
type Imports = ReadonlyMap<string, readonly string[]>

function importsOf(file: string, text: string): string[] {
  return [...text.matchAll(IMPORT)].map(([, from, dynamic]) =>
    relative(SRC, resolve(dirname(join(SRC, file)), from ?? dynamic)),
  )
}

function importsOfSource(): Imports {
  const isTest = (file: string) => /\.test\.ts$|(^|\/)testing\.ts$/.test(file)
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => /\.ts$/.test(file))
  return new Map(
    files
      .filter((file) => !isTest(file))
      .map((file) => [file, importsOf(file, readFileSync(join(SRC, file), 'utf8'))] as const),
  )
}

/** In the order of the table; null for a file that is in no room, such as the package's entry. */
const ROOMS = [...readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8').matchAll(/^\| `(\w+)` \|/gm)].map(
  ([, room]) => room,
)
const roomOf = (file: string): string | null => (file.includes('/') ? file.split('/')[0] : null)

/** `a imports b`, for every import of a room below the importer's, or of a file in no room. */
function upside(imports: Imports): string[] {
  return [...imports].flatMap(([file, targets]) => {
    const from = roomOf(file)
    if (from === null) return []
    const isAbove = (room: string | null) => room !== null && ROOMS.indexOf(room) <= ROOMS.indexOf(from)
    return targets.filter((target) => !isAbove(roomOf(target))).map((target) => `${file} imports ${target}`)
  })
}

/** A circle of imports, as the files along it, or null. Depth first, each file once. */
function circle(imports: Imports): readonly string[] | null {
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): readonly string[] | null => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file]
    if (done.has(file)) return null
    for (const target of imports.get(file) ?? []) {
      const found = visit(target, [...path, file])
      if (found) return found
    }
    done.add(file)
    return null
  }
  for (const file of imports.keys()) {
    const found = visit(file, [])
    if (found) return found
  }
  return null
}

describe('the imports of src/', () => {
  const imports = importsOfSource()

  it('are all found', () => {
    expect(imports.size).toBeGreaterThan(200)
    const known = [...imports.values()].flat().filter((target) => imports.has(target))
    expect(known.length).toBeGreaterThan(800)
    expect([...imports.values()].flat().filter((target) => target.endsWith('.ts') && !imports.has(target))).toEqual([])
  })

  it('name rooms that docs/architecture.md lists, each of them', () => {
    const rooms = new Set([...imports.keys()].flatMap((file) => roomOf(file) ?? []))
    expect([...rooms].sort()).toEqual([...ROOMS].sort())
  })

  it('go to rooms above', () => {
    expect(upside(imports)).toEqual([])
  })

  it('go round in no circle', () => {
    expect(circle(imports)).toBeNull()
  })
})

describe('the check itself', () => {
  it('reads every form of import', () => {
    const text = [
      "import './a.ts'",
      "import type { B } from '../b/b.ts'",
      "import {\n  c,\n} from './c.ts'",
      "export * from './d.ts'",
      "const e = await import('./e.ts')",
      "import { f } from 'f'",
    ].join('\n')
    expect(importsOf('x/y.ts', text)).toEqual(['x/a.ts', 'b/b.ts', 'x/c.ts', 'x/d.ts', 'x/e.ts'])
  })

  it('sees an import of a room below, and a circle of three', () => {
    const wrong = new Map([
      ['graph/a.ts', ['train/b.ts']],
      ['train/b.ts', ['graph/a.ts', 'support/c.ts']],
    ])
    expect(upside(wrong)).toEqual(['graph/a.ts imports train/b.ts'])
    const round = new Map([
      ['a', ['d', 'b']],
      ['b', ['c']],
      ['c', ['a']],
      ['d', []],
    ])
    expect(circle(round)).toEqual(['a', 'b', 'c', 'a'])
  })
})
