import { describe, expect, it } from 'vitest'
import { engineErrorOf } from '../runtime/engine-error.ts'
import { DarError } from '../support/errors.ts'
import { createProgram } from './program.ts'
import { EXIT_BUG, EXIT_CODES, EXIT_MISTAKE, run } from './run.ts'
import type { RegisterVerb } from './verbs.ts'

/** Runs a command and collects what it would have printed to standard error. */
async function outcome(command: () => Promise<unknown>): Promise<{ code: number; errors: string }> {
  let errors = ''
  const code = await run(command, {
    write: (text) => {
      errors += text
    },
  })
  return { code, errors }
}

describe('run', () => {
  it('is silent and returns 0 when the command succeeds', async () => {
    expect(await outcome(async () => 'anything')).toEqual({ code: 0, errors: '' })
  })

  it("prints a user's mistake as one line without a stack and returns 1", async () => {
    const command = async () => {
      throw new DarError('cannot read a.jpg:\n  it is empty')
    }
    expect(await outcome(command)).toEqual({ code: EXIT_MISTAKE, errors: 'dar: cannot read a.jpg: it is empty\n' })
  })

  it('returns the code of the kind of a mistake, each its own, and the help lists them', async () => {
    let text = ''
    createProgram([], '0')
      .configureOutput({
        writeOut: (part) => {
          text += part
        },
      })
      .outputHelp()
    for (const [kind, code] of Object.entries(EXIT_CODES) as [keyof typeof EXIT_CODES, number][]) {
      const command = async () => {
        throw new DarError('no', { kind })
      }
      expect(await outcome(command)).toEqual({ code, errors: 'dar: no\n' })
      expect(text).toMatch(new RegExp(`^ {2}${code} +\\w`, 'm'))
    }
    expect(new Set([0, EXIT_BUG, ...Object.values(EXIT_CODES)]).size).toBe(2 + Object.keys(EXIT_CODES).length)
  })

  it('takes what the engine refuses for our own mistake, and too little memory for the user’s', async () => {
    const failing = (reason: string) => outcome(async () => Promise.reject(engineErrorOf('depth', reason)))
    expect((await failing('node Erf is unknown')).code).toBe(EXIT_BUG)
    const { code, errors } = await failing('bad allocation')
    expect(code).toBe(EXIT_CODES.memory)
    expect(errors).toMatch(/^dar: the engine failed at graph "depth": bad allocation Use a smaller .*\n$/)
  })

  it('prints our own mistake with its stack, its cause and a request to report it, and returns 70', async () => {
    const command = async () => {
      throw new TypeError('x is not a function', { cause: new RangeError('too deep') })
    }
    const { code, errors } = await outcome(command)
    expect(code).toBe(EXIT_BUG)
    expect(errors).toMatch(/TypeError: x is not a function\n\s+at /)
    expect(errors).toMatch(/RangeError: too deep\n\s+at /)
    expect(errors).toMatch(/\ndar: this is a bug in dar; please report it with the lines above\n$/)
  })

  it('reports a thrown value that is no Error as a bug', async () => {
    const command = async () => {
      throw 'a string' as unknown
    }
    expect((await outcome(command)).errors).toMatch(/^'a string'\ndar: this is a bug/)
  })

  it('treats a mistake thrown before the first await like any other', async () => {
    const command = () => {
      throw new DarError('at once')
    }
    expect(await outcome(command)).toEqual({ code: EXIT_MISTAKE, errors: 'dar: at once\n' })
  })
})

describe('the program', () => {
  const greet: RegisterVerb = (program) => {
    program
      .command('greet <name>')
      .description('say hello')
      .option('--loud', 'in capitals')
      .action(async (name: string) => {
        if (name === 'nobody') throw new DarError('nobody is not a name; give another')
      })
  }

  /** Runs `dar` with these arguments; what commander prints is collected. */
  async function dar(...args: string[]): Promise<{ code: number; out: string; errors: string }> {
    let out = ''
    let printed = ''
    const program = createProgram([greet], '1.2.3')
    for (const command of [program, ...program.commands]) {
      command.configureOutput({
        writeOut: (text) => {
          out += text
        },
        writeErr: (text) => {
          printed += text
        },
      })
    }
    const { code, errors } = await outcome(() => program.parseAsync(args, { from: 'user' }))
    return { code, out, errors: printed + errors }
  }

  it('prints its version and its help with examples, and succeeds', async () => {
    expect(await dar('--version')).toEqual({ code: 0, out: '1.2.3\n', errors: '' })
    const { code, out } = await dar('--help')
    expect(code).toBe(0)
    expect(out).toMatch(/greet.*say hello/)
    expect(out).toContain('$ dar predict photo.jpg')
  })

  it('runs a verb, and passes on its mistake', async () => {
    expect(await dar('greet', 'Ada')).toEqual({ code: 0, out: '', errors: '' })
    expect(await dar('greet', 'nobody')).toEqual({
      code: EXIT_MISTAKE,
      out: '',
      errors: 'dar: nobody is not a name; give another\n',
    })
  })

  it.each([
    [['gret', 'Ada'], "dar: unknown command 'gret'\n(Did you mean greet?)\n"],
    [['greet'], "dar: missing required argument 'name'\n"],
    [['greet', 'Ada', '--lod'], "dar: unknown option '--lod'\n(Did you mean --loud?)\n"],
  ])('answers %j with what is wrong and code 1', async (args, errors) => {
    expect(await dar(...args)).toEqual({ code: 1, out: '', errors })
  })

  it('shows its help and fails when it is called without a verb', async () => {
    const { code, errors } = await dar()
    expect(code).toBe(1)
    expect(errors).toMatch(/^Usage: dar /)
  })
})
