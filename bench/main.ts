/** `npm run bench -- NAME [--json FILE]`: runs one benchmark, prints a table, and keeps the rows as JSON if asked. */
import { parseArgs } from 'node:util'
import { writeFileAtomically } from '../src/support/files.ts'
import { benchEngine } from './engine.ts'
import { benchEval } from './eval.ts'
import { benchExport } from './export.ts'
import { benchImport } from './import.ts'
import { benchLoop } from './loop.ts'
import { benchModel } from './model.ts'
import { benchPredict } from './predict.ts'
import { machine, printRows, type Row } from './report.ts'

const BENCHMARKS: Readonly<Record<string, () => Promise<Row[]>>> = {
  engine: benchEngine,
  eval: benchEval,
  export: benchExport,
  import: benchImport,
  loop: benchLoop,
  model: benchModel,
  predict: benchPredict,
}

const { positionals, values } = parseArgs({ allowPositionals: true, options: { json: { type: 'string' } } })
const [name] = positionals
const bench = BENCHMARKS[name ?? '']
if (!bench) {
  console.error(`usage: npm run bench -- ${Object.keys(BENCHMARKS).join('|')} [--json FILE]`)
  process.exitCode = 1
} else {
  const rows = await bench()
  printRows(name, rows)
  if (values.json)
    await writeFileAtomically(values.json, `${JSON.stringify({ bench: name, machine: machine(), rows }, null, 2)}\n`)
}
