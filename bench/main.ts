/** `npm run bench -- NAME [--json FILE]`: runs one benchmark, prints a table, and keeps the rows as JSON if asked. */
import { parseArgs } from 'node:util'
import { writeFileAtomically } from '../src/support/files.ts'
import { benchBatch } from './batch.ts'
import { benchCheckpointing } from './checkpointing.ts'
import { benchEngine } from './engine.ts'
import { benchEval } from './eval.ts'
import { benchExport } from './export.ts'
import { benchImport } from './import.ts'
import { benchLatency } from './latency.ts'
import { benchLoop } from './loop.ts'
import { benchModel } from './model.ts'
import { benchPredict } from './predict.ts'
import { machine, printRows, type Row } from './report.ts'
import { benchRunMemory, RUN_MEMORY_HELP } from './run-memory.ts'
import { benchScaling } from './scaling.ts'
import { benchServe } from './serve.ts'
import { benchTrain, TRAIN_HELP } from './train.ts'

interface Benchmark {
  readonly run: () => Promise<Row[]>
  readonly about: string
  /** For `NAME --help`, where there is more to say than the header does. */
  readonly help?: string
}

const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  batch: {
    run: () => benchBatch({ images: imageCount() }),
    about: 'many photos: rate for each core, memory, one worker of a fleet beside two',
  },
  checkpointing: { run: benchCheckpointing, about: 'memory and time of a training step with gradient checkpointing' },
  engine: { run: benchEngine, about: 'the tensor compiler against a matrix product, and against jax-js' },
  eval: { run: benchEval, about: 'what the evaluator costs over prediction' },
  export: { run: benchExport, about: 'exported models on one thread: float32, float16, int8' },
  import: { run: benchImport, about: 'how long the library and the command line take to load' },
  latency: {
    run: benchLatency,
    about: 'one call, with a signal, and streamed, beside transformers.js: p50, p99, memory',
  },
  loop: { run: benchLoop, about: 'how long the event loop waits while a model works' },
  model: { run: benchModel, about: 'where the time of a prediction goes, by step and part' },
  predict: { run: benchPredict, about: 'one photo, from pixels to depth' },
  scaling: { run: benchScaling, about: 'training in 1, 2 and 4 processes beside the formula of docs/scaling.md' },
  serve: { run: benchServe, about: 'the HTTP server under load, overload, slow clients and restarts' },
  'run-memory': { run: benchRunMemory, about: 'memory of a training run beside its plan', help: RUN_MEMORY_HELP },
  train: { run: benchTrain, about: 'a training step, beside PyTorch', help: TRAIN_HELP },
}

const HELP = `usage: npm run bench -- NAME [--json FILE] [--images N]

${Object.entries(BENCHMARKS)
  .map(([name, { about }]) => `  ${name.padEnd(13)} ${about}`)
  .join('\n')}

  --json FILE   also keep the rows, with the machine that they were measured on
  --images N    photos that batch goes through (default: 300)
  -h, --help    print this help; NAME --help says more of train and run-memory

The header of bench/NAME.ts says what is measured and how, and which environment variables it reads.`

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'string' }, images: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
})
const imageCount = () => (values.images === undefined ? undefined : Number(values.images))
const [name] = positionals
const bench = BENCHMARKS[name ?? '']
if (values.help) console.log(bench?.help ? `${bench.about}\n\n${bench.help}` : HELP)
else if (!bench) {
  console.error(HELP)
  process.exitCode = 1
} else {
  const rows = await bench.run()
  printRows(name, rows)
  if (values.json)
    await writeFileAtomically(values.json, `${JSON.stringify({ bench: name, machine: machine(), rows }, null, 2)}\n`)
}
