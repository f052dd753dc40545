/**
 * `npx tsx bench/page.ts`: draws the tables of docs/speed.md anew from the results in bench/results (draw-page.ts says how). Nothing is
 * measured here: `npm run bench -- NAME --json bench/results/NAME.json` does that, and for presets
 * `dar bench NAME --json > bench/results/preset-NAME.json`.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { writeFileAtomically } from '../src/support/files.ts'
import { drawPage } from './draw-page.ts'

const RESULTS = new URL('./results/', import.meta.url)
const PAGE = fileURLToPath(new URL('../docs/speed.md', import.meta.url))

const results = Object.fromEntries(
  readdirSync(RESULTS).map((name) => [name, readFileSync(new URL(name, RESULTS), 'utf8')]),
)
await writeFileAtomically(PAGE, drawPage(readFileSync(PAGE, 'utf8'), results))
console.log(PAGE)
