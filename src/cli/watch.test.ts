import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { appendLog, startEvent, stepEvent } from '../watch/testing.ts'
import { createProgram } from './program.ts'
import { EXIT_CODES, run } from './run.ts'
import { capturePrinted } from './testing.ts'
import { registerWatch } from './watch.ts'

const printed = capturePrinted()
const watch = (...args: string[]) => {
  const program = createProgram([registerWatch], '0')
  return run(() => program.parseAsync(['watch', ...args], { from: 'user' }))
}

describe('dar watch', () => {
  it.each([
    ['missing', ['/nowhere'], /^dar: there is no folder \/nowhere; name the folder of a run/],
    ['missing', [import.meta.dirname], /has no log\.jsonl, so no run has written there/],
    ['input', ['/nowhere', '--port', '70000'], /^dar: --port 70000: give a whole number from 0 to 65535/],
  ] as const)('has a mistake of the kind %s in %j, told in one line', async (kind, args, message) => {
    expect(await watch(...args)).toBe(EXIT_CODES[kind])
    expect(printed.err).toMatch(message)
    expect(printed.err.split('\n')).toHaveLength(2)
  })

  it('writes the report of a run that was killed', async () => {
    const folder = join(await temporaryFolder(), 'run')
    await appendLog(folder, [startEvent(0), stepEvent(0)])
    expect(await watch(folder, '--report')).toBe(0)
    expect(printed.out).toBe(`${join(folder, 'report.html')}\n`)
    expect(await readFile(join(folder, 'report.html'), 'utf8')).toContain('its process was killed')
  })
})
