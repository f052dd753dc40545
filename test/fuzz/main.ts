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
for (const one of targets) {
  const { inputs, failure } = await fuzz(one, { seconds: Number(values.seconds), seed: Number(values.seed) })
  console.log(
    `${one}: ${inputs} inputs, ${failure ? `FAILED: ${failure.what}\n  input kept in ${failure.file}` : 'none broke it'}`,
  )
  if (failure) process.exitCode = 1
}
process.exit()
