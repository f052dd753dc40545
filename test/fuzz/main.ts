/** `npm run fuzz -- TARGET|all [--seconds N] [--most N] [--seed S] [--jobs N]`; each target ends after its seconds, or its most inputs. */
import { parseArgs } from 'node:util'
import { fuzzSideBySide } from './run.ts'
import { TARGETS } from './targets.ts'

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        seconds: { type: 'string', default: '20' },
        most: { type: 'string', default: 'Infinity' },
        seed: { type: 'string', default: '1' },
        jobs: { type: 'string', default: '1' },
      },
    })
  } catch (error) {
    console.error(
      `${(error as Error).message}\nusage: npm run fuzz -- TARGET|all [--seconds N] [--most N] [--seed S] [--jobs N]`,
    )
    process.exit(1)
  }
}

const { positionals, values } = readArguments()
const [target] = positionals
const targets = target === 'all' ? Object.keys(TARGETS) : [target]
if (target === undefined || targets.some((one) => !Object.hasOwn(TARGETS, one))) {
  console.error(`give a target: all, ${Object.keys(TARGETS).join(', ')}`)
  process.exit(1)
}
const [seconds, most, seed, jobs] = [values.seconds, values.most, values.seed, values.jobs].map(Number)
if (!(seconds > 0 && most > 0 && Number.isInteger(seed) && Number.isInteger(jobs) && jobs > 0)) {
  console.error('--seconds and --most take a number above 0, --seed a whole number, --jobs a whole number from 1 on')
  process.exit(1)
}
for (const { inputs, failure } of await fuzzSideBySide(targets, { seconds, most, seed, jobs })) {
  for (const [name, count] of Object.entries(inputs)) console.log(`${name}: ${count} inputs`)
  if (failure) {
    console.log(`FAILED: ${failure.what}\n  the input is kept in ${failure.file}`)
    process.exitCode = 1
  }
}
