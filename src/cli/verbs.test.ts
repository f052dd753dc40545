import { readFileSync } from 'node:fs'
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

describe('the table of flags in docs/cli.md', async () => {
  const program = createProgram(await verbsFor(['completion']), '0')
  const leaves = program.commands.flatMap((verb) =>
    verb.commands.length > 0
      ? verb.commands.map((below) => ({ name: `${verb.name()} ${below.name()}`, below }))
      : [{ name: verb.name(), below: verb }],
  )
  const [, page] = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8').split('\n## ') // its first section
  const rows = [...page.matchAll(/^\| (?:`-\w`, )?`(--\w+)` \|.*\| ([^|;]+?)(?:;[^|]*)? \|$/gm)].map(
    ([, flag, verbs]) => ({ flag, verbs }),
  )

  it('has a row for every flag that several verbs have', () => {
    expect(rows.map(({ flag }) => flag)).toEqual(
      expect.arrayContaining(['--out', '--model', '--data', '--threads', '--device', '--json']),
    )
  })

  it.each(rows)('names the verbs that have $flag', ({ flag, verbs }) => {
    const having = leaves.filter(({ below }) =>
      below
        .createHelp()
        .visibleOptions(below)
        .some(({ long }) => long === flag),
    )
    const named =
      verbs === 'all that print results'
        ? leaves.map(({ name }) => name).filter((name) => !['completion', 'watch', 'serve'].includes(name))
        : verbs.split(', ')
    expect(having.map(({ name }) => name).sort()).toEqual([...named].sort())
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
