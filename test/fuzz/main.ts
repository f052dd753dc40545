/** `npm run fuzz -- TARGET|all [--seconds N] [--seed S]` */
import { parseArgs } from 'node:util'
import { fuzz } from './run.ts'
import { TARGETS } from './targets.ts'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '20' }, seed: { type: 'string', default: '1' } },
})
const [target] = positionals
const targets = target === 'all' ? Object.keys(TARGETS) : [target]
if (target === undefined || targets.some((one) => !Object.hasOwn(TARGETS, one))) {
  console.error(`give a target: all, ${Object.keys(TARGETS).join(', ')}`)
  process.exit(1)
}
const { inputs, failure } = await fuzz(targets, { seconds: Number(values.seconds), seed: Number(values.seed) })
for (const [name, count] of Object.entries(inputs)) console.log(`${name}: ${count} inputs`)
if (failure) {
  console.log(`FAILED: ${failure.what}\n  the input is kept in ${failure.file}`)
  process.exitCode = 1
}
