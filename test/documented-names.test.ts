/** What the documents use of the package is there: their code type-checks, and the functions that they name are exported. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { temporaryFolder } from './temporary-folder.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const read = (name: string) => readFileSync(join(ROOT, name), 'utf8')
const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  .map((name) => join('src', name))
const pages = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
]

it('code that imports dar-depth type-checks, in pages and in comments', { timeout: 300_000 }, async () => {
  const blocks = [
    ...pages.map((name) => ({ name, text: read(name) })),
    ...sources.map((name) => ({ name, text: read(name).replace(/^ *\* ?/gm, '') })),
  ].flatMap(({ name, text }) =>
    [...text.matchAll(/^```(?:js|ts)\n([\s\S]*?)^```/gm)]
      .map(([, code]) => ({ name, code }))
      .filter(({ code }) => /from 'dar-depth/.test(code)),
  )
  expect(blocks.map(({ name }) => name)).toEqual(expect.arrayContaining(['README.md', 'src/index.ts']))

  const folder = await temporaryFolder()
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules')) // packages that a program uses beside this one
  const files = await Promise.all(
    blocks.map(async ({ name, code }, i) => {
      const file = `${i}-${name.replaceAll(/\W/g, '-')}.ts`
      await writeFile(join(folder, file), code)
      return file
    }),
  )
  // Some are for a page, which has the DOM.
  const lib = ['ES2023', 'ESNext.Disposable', 'DOM', 'DOM.Iterable']
  const compilerOptions = { typeRoots: [join(ROOT, 'node_modules', '@types')], noUnusedLocals: false, lib }
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  const config = { extends: join(ROOT, 'tsconfig.json'), compilerOptions, files, include: [] }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
  expect(compiled(tsc, folder)).toBe('')
})

/** Names of functions, classes and constants at the top of a file, which a page can only point at if they are exported. */
const defined = new Set(
  sources.flatMap((name) =>
    [...read(name).matchAll(/^export (?:async )?(?:function\*?|class|const) (\w+)/gm)].map(([, word]) => word),
  ),
)
/** Settings of TypeScript. */
const OF_TYPESCRIPT = new Set(['skipLibCheck', 'moduleResolution'])

/** Kinds of windows and of errors, verbs, and fields of files and results, which share their names with something inside. */
const OTHERS = new Set(['paper', 'output', 'networkSize', 'finetune', 'submit', 'work', 'sha256', 'notes', 'photo'])
const named = (text: string) =>
  [...text.matchAll(/`([A-Za-z]\w*)(?:\([^`]*\))?`/g)]
    .map(([, word]) => word)
    .filter((word) => defined.has(word) && !OTHERS.has(word))

async function exportsOf(entry: string): Promise<readonly string[]> {
  return Object.keys(await import(new URL(`../src/${entry}${entry && '/'}index.ts`, import.meta.url).href))
}

/** Without those about the inside. */
const forUsers = pages.filter((name) => !/(architecture|algorithm|speed)\.md$/.test(name))

it.each(forUsers)('every name in camel case on %s is one of the code', (name) => {
  const words = [...read(name).matchAll(/`([a-z]+[A-Z]\w*)(?:\([^`]*\))?`/g)].map(([, word]) => word)
  const code = sources.map(read).join('\n')
  expect(words.filter((word) => !OF_TYPESCRIPT.has(word) && !new RegExp(`\\b${word}\\b`).test(code))).toEqual([])
})

it('the functions that pages for users name are exported', { timeout: 120_000 }, async () => {
  const { exports } = JSON.parse(read('package.json')) as { readonly exports: Readonly<Record<string, unknown>> }
  const entries = Object.keys(exports).filter((path) => path !== './package.json' && !path.includes('*'))
  const all = new Set((await Promise.all(entries.map((path) => exportsOf(path.slice(2))))).flat())
  const used = forUsers.map((name) => ({ name, words: named(read(name)) }))
  expect(used.flatMap(({ words }) => words).length).toBeGreaterThan(5)
  expect(
    used.flatMap(({ name, words }) => words.filter((word) => !all.has(word)).map((word) => `${name}: ${word}`)),
  ).toEqual([])
})

it('the table of entries names what each entry exports', { timeout: 120_000 }, async () => {
  const rows = [...read('docs/stability.md').matchAll(/^\| `dar-depth(?:\/(\w+))?` \| (.*)$/gm)]
  expect(rows.length).toBeGreaterThan(6)
  for (const [row, entry = '', text] of rows)
    expect(await exportsOf(entry), row).toEqual(expect.arrayContaining(named(text)))
})

/** What the compiler says; nothing where all is well. */
function compiled(tsc: string, project: string): string {
  try {
    return execFileSync(process.execPath, [tsc, '-p', project], { encoding: 'utf8', stdio: 'pipe' })
  } catch (error) {
    return String((error as { readonly stdout?: string }).stdout || error)
  }
}
