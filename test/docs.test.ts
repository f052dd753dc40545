/** The documents: what they link to and name exists, and logs of runs stay short. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const inDocs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
  .filter((name) => !name.includes('node_modules'))
  .map((name) => join('docs', name))
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'src/rooms/README.md',
  'examples/README.md',
  ...inDocs,
].filter((name) => name.endsWith('.md'))
const read = (name: string) => readFileSync(join(root, name), 'utf8')

describe.each(pages)('%s', (page) => {
  test('links to files that exist', () => {
    const targets = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target.split('#')[0])
    const files = targets.filter((target) => target !== '' && !/^[a-z]+:/.test(target))
    expect(files.filter((target) => !existsSync(join(root, dirname(page), target)))).toEqual([])
  })

  test('names files that exist', () => {
    const named = [...read(page).matchAll(/`((?:src|docs|test|scripts|recipes|bench)\/[\w./-]+)`/g)].map(
      ([, path]) => path,
    )
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([])
  })
})

test('CONTRIBUTING.md names every room', () => {
  const rooms = readdirSync(join(root, 'src'), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? [entry.name] : [],
  )
  const [, list] = /## The rooms in ten lines\n([\s\S]*?)\n## /.exec(read('CONTRIBUTING.md')) ?? []
  expect([...list.matchAll(/`(\w+)`:/g)].map(([, name]) => name).sort()).toEqual(rooms.sort())
})

test('docs/README.md lists every guide once', () => {
  const guides = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md') && name !== 'README.md')
  const listed = [...read('docs/README.md').matchAll(/^\| \[[^\]]+\]\((\w[\w-]*\.md)\) \| \S/gm)].map(
    ([, name]) => name,
  )
  expect(listed.sort()).toEqual(guides.sort())
})

/** What npm shows, and what lies in node_modules: their links must not end there. */
const cards = readdirSync(join(root, 'models')).map((name) => `models/${name}/card.md`)
const { files } = JSON.parse(read('package.json')) as { readonly files: readonly string[] }
const isShipped = (path: string) =>
  files.some((pattern) => {
    const [folder, extension] = pattern.split('/*')
    if (extension !== undefined) return dirname(path) === folder && path.endsWith(extension)
    return path === pattern || path.startsWith(`${pattern}/`)
  })

test.each(['README.md', ...cards])('%s links to nothing that the package leaves out', (page) => {
  const targets = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target.split('#')[0])
  const linked = targets.filter((target) => target !== '' && !/^[a-z]+:/.test(target))
  const paths = linked.map((target) => join(dirname(page), target))
  expect(paths.filter((path) => !isShipped(path) || !existsSync(join(root, path)))).toEqual([])
})

test.each(inDocs.filter((name) => /log\/.+\/.+\.jsonl$/.test(name)))('%s is a log of under 60 lines', (name) => {
  const lines = read(name).trimEnd().split('\n')
  expect(lines.length).toBeLessThan(60)
  expect(lines.map((line) => typeof JSON.parse(line).event)).not.toContain('undefined')
})
