/** One target in a process of its own: `child.ts TARGET SECONDS SEED FILE`. The input in hand lies in FILE, for whoever kills this. */
import { writeFileSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { DarError } from '../../src/support/errors.ts'
import { Random } from '../../src/support/random.ts'
import { mutated } from './mutate.ts'
import { TARGETS } from './targets.ts'

const [name, seconds, seed, file] = process.argv.slice(2)
const { seeds, parse } = TARGETS[name]
const known = await seeds()
for (const one of known) await parse(one) // a seed that is refused would fuzz nothing
process.send?.({ kind: 'ready' })
const end = performance.now() + 1000 * Number(seconds)
let count = 0
for (; performance.now() < end || count < 20; count++) {
  const input = mutated(known, new Random(Number(seed), count))
  writeFileSync(file, input)
  try {
    await parse(input)
  } catch (error) {
    if (!(error instanceof DarError) || error.message.length > 4000) {
      process.send?.({
        kind: 'found',
        what: error instanceof Error ? (error.stack ?? error.message).slice(0, 2000) : String(error),
      })
      process.exit(1)
    }
  }
  process.send?.({ kind: 'input', count: count + 1 })
  if (count % 50 === 0) await nextTurn()
}
process.exit(0)
