/** One target in a process of its own: `child.ts TARGET SECONDS SEED FILE MOST`. The input in hand lies in FILE, for whoever kills this. */
import { writeFileSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { DarError } from '../../src/support/errors.ts'
import { Random } from '../../src/support/random.ts'
import { mutated } from './mutate.ts'
import { TARGETS } from './targets.ts'

const [names, seconds, seed, file, most] = process.argv.slice(2)
for (const name of names.split(',')) await fuzzTarget(name)
process.exit(0)

async function fuzzTarget(name: string): Promise<void> {
  const { seeds, parse } = TARGETS[name]
  const known = await seeds()
  for (const one of known) await parse(one) // a seed that is refused would fuzz nothing
  process.send?.({ name, count: 0 })
  await nextTurn()
  const end = performance.now() + 1000 * Number(seconds)
  let count = 0
  for (; (performance.now() < end || count < 20) && count < Number(most); count++) {
    const input = mutated(known, new Random(Number(seed), count))
    writeFileSync(file, input)
    try {
      await parse(input)
    } catch (error) {
      if (!(error instanceof DarError) || error.message.length > 4000) {
        const what = error instanceof Error ? (error.stack ?? error.message).slice(0, 2000) : String(error)
        process.send?.({ name, count, what: `${name}: ${what}` })
        await nextTurn()
        process.exit(1)
      }
    }
    if (count % 20 === 0) {
      process.send?.({ name, count: count + 1 })
      await nextTurn()
    }
  }
  process.send?.({ name, count })
}
