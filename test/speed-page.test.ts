/** docs/speed.md: its drawn tables are those of bench/results, and what is written by hand stays when they are drawn again. */
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { drawPage } from '../bench/draw-page.ts'

const read = (name: string) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8')

test('docs/speed.md is as npx tsx bench/page.ts draws it', () => {
  const names = readdirSync(new URL('../bench/results/', import.meta.url))
  const page = read('docs/speed.md')
  expect(drawPage(page, Object.fromEntries(names.map((name) => [name, read(`bench/results/${name}`)])))).toBe(page)
})

const rows = [
  { name: 'photos a second', value: 5.98, unit: '1/s', target: 6 },
  { name: '  of them large', value: 1, unit: 'ratio', most: 2 },
]
const results = { 'serve.json': JSON.stringify({ machine: 'a machine', rows }) }

test('only what lies between the comments is replaced', () => {
  const page = 'By hand.\n<!-- drawn: serve -->\nold\n<!-- end -->\nAlso by hand.\n'
  expect(drawPage(page, results)).toBe(`By hand.
<!-- drawn: serve -->

\`npm run bench -- serve\` on a machine:

| serve | measured | asked for |
| --- | ---: | ---: |
| photos a second | 5.98 1/s | at least 6: **missed** |
| – of them large | 1 | at most 2: met |

<!-- end -->
Also by hand.
`)
})

test('results without a part of the page are an error, a part without results says how to make them', () => {
  expect(() => drawPage('By hand.', results)).toThrow(/no part for serve\.json: add <!-- drawn: serve -->/)
  expect(drawPage('<!-- drawn: batch -->\n<!-- end -->', {})).toMatch(/--json bench\/results\/batch\.json/)
})
