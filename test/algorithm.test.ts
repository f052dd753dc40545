/** docs/algorithm.md is cited by its section numbers and states every parameter's name: both are held to the code. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { Graph } from '../src/graph/index.ts'
import { buildDar, type DarConfig, imageMultiple, PRESETS, parseConfig } from '../src/model/index.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const page = readFileSync(join(root, 'docs/algorithm.md'), 'utf8')
const sections = [...page.matchAll(/^## (\d+)\. /gm)].map(([, number]) => Number(number))

/** Every text of the project that cites the page, as one line, without the stars of comments. */
const texts = ['src', 'test', 'bench', 'scripts', 'recipes'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name)),
)
const read = (name: string) => readFileSync(join(root, name), 'utf8').replaceAll(/\s*\n\s*(\*(?!\/)|\/\/)?\s*/g, ' ')

describe('sections', () => {
  test('are numbered without a gap', () => {
    expect(sections).toEqual(Array.from({ length: 13 }, (_, i) => i + 1))
  })

  test('that are cited exist', () => {
    const cited = texts.flatMap((name) =>
      [...read(name).matchAll(/algorithm sections? (\d+)(?: (?:to|and) (\d+))?/g)].flatMap(([, first, last]) =>
        [first, last ?? first].map((number) => ({ name, number: Number(number) })),
      ),
    )
    expect(cited.length).toBeGreaterThan(30)
    expect(cited.filter(({ number }) => !sections.includes(number))).toEqual([])
  })
})

test('no text cites a section in another form', () => {
  const others = texts.filter((name) => /\bspec(ification)? sections? \d/.test(read(name)))
  expect(others).toEqual([])
})

/** The names of section 13 as patterns: `<n>` is a number, `<k>` a step, `<0|1>` and `{a,b}` one of these. */
function namePatterns(): RegExp[] {
  const section = page.slice(page.indexOf('\n## 13.'))
  const block = section.split('```')[1].replaceAll(/\([^)]*\)/g, '') // without notes
  return names(block).map(
    (name) =>
      new RegExp(
        `^${name
          .replaceAll('.', '\\.')
          .replaceAll(/\{([^}]*)\}/g, (_, choices: string) => `(${choices.replaceAll(',', '|')})`)
          .replaceAll(/<[nk]>/g, '\\d+')
          .replaceAll(/<([\d|]+)>/g, '($1)')}$`,
      ),
  )
}
const names = (text: string) =>
  text.match(/\b(?:encoder|neck|decoder|bins|fine|detail|upsample|head)\.[\w.<>|{},]+/g) ?? []

const small = {
  encoderWidth: 32,
  encoderDepth: 4,
  encoderHeads: 2,
  posGrid: [2, 2],
  neckFeatures: 16,
  neckChannels: [8, 8, 8, 8],
  memoryWidth: 32,
  layers: 3,
  width: 16,
  heads: 2,
  gruWidth: 8,
  finalNorm: true,
}
const light = { ...small, encoder: 'mobilenetv2', encoderMultiplier: 0.25 }

function parameters(config: DarConfig): string[] {
  const graph = new Graph()
  const side = 2 * imageMultiple(config)
  buildDar(graph.input('image', [1, 3, side, side]), config)
  return [...graph.parameters.keys()]
}

describe('parameter names', () => {
  const configs: Record<string, DarConfig> = {
    ...PRESETS,
    ...Object.fromEntries(
      ['dar', 'transformer', 'bins', 'dpt', 'dorn', 'ord2seq'].map((head) => [head, parseConfig({ ...light, head })]),
    ),
    'dpt with a norm': parseConfig({ ...light, head: 'dpt', dptNorm: true }),
    'vit with a convolutional stem': parseConfig({ ...small, stem: 'conv', patch: 16 }),
    'a tree with detail at half of the image': parseConfig({
      ...light,
      window: 'soft',
      fine: true,
      detail: true,
      detailGrid: 'half',
      neckUnits: 1,
    }),
    'vit with context and convex': parseConfig({ ...small, context: true, upsample: 'convex' }),
    'tokens that see the memory': parseConfig({ ...small, tokenContext: true }),
  }
  const patterns = namePatterns()

  test.each(Object.keys(configs))('of %s are those of the page', (name) => {
    const strangers = parameters(configs[name]).filter((parameter) => !patterns.some((p) => p.test(parameter)))
    expect(strangers).toEqual([])
  })

  test('of the page each belong to some model', () => {
    const all = Object.values(configs).flatMap(parameters)
    expect(patterns.filter((pattern) => !all.some((parameter) => pattern.test(parameter)))).toEqual([])
  })
})
