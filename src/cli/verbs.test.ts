import { describe, expect, it } from 'vitest'
import { loadedBy } from '../../test/loaded.ts'
import { createProgram } from './program.ts'
import { VERBS, verbsFor } from './verbs.ts'

describe('the list of verbs', () => {
  it.each(VERBS)('says of $name what its own help says', async ({ name, usage, description, load }) => {
    const [verb] = createProgram([await load()], '0').commands
    expect(verb.name()).toBe(name)
    expect(verb.description()).toBe(description)
    const own = verb.usage().replace('[options] [command]', '<command>') // of a verb that has commands and no flags
    expect(own).toBe(usage)
  })

  it.each([
    [['predict', 'photo.jpg', '--steps'], 'predict'],
    [['help', 'info'], 'info'],
    [['data', 'inspect', '--help'], 'data'],
  ])('has the verb of %j whole', async (args, name) => {
    const program = createProgram(await verbsFor(args), '0')
    const whole = program.commands.filter((verb) => verb.options.length > 0 || verb.commands.length > 0)
    expect(whole.map((verb) => verb.name())).toEqual([name])
  })
})

describe('what a command loads', () => {
  const rooms = (files: readonly string[]) => [...new Set(files.map((file) => file.split('/')[1]))]

  it('is the command line alone for --version', async () => {
    const { files, packages } = await loadedBy('src/cli/main.ts', ['--version'])
    expect(rooms(files)).toEqual(['cli', 'support'])
    expect(packages).toEqual(['commander'])
  })

  it('is neither training nor data sets for predict', async () => {
    const { files, packages } = await loadedBy('src/cli/predict.ts')
    expect(files).toContain('src/cli/predict.ts')
    expect(rooms(files).filter((room) => ['train', 'pretrained', 'rooms', 'export'].includes(room))).toEqual([])
    expect(files.filter((file) => file.startsWith('src/data/readers/'))).toEqual([])
    expect(packages).not.toContain('@huggingface/hub')
  })
})
