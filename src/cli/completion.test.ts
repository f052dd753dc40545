import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { completionScript } from './completion.ts'
import { createProgram } from './program.ts'
import { verbsFor } from './verbs.ts'

let file: string
let fish: string
beforeAll(async () => {
  const program = createProgram(await verbsFor(['completion', 'bash']), '0')
  file = join(await temporaryFolder(), 'dar.bash')
  await writeFile(file, completionScript(program, 'bash'))
  fish = completionScript(program, 'fish')
})

/** What bash offers for a line whose last word is being typed. */
async function offered(...words: string[]): Promise<string[]> {
  const script = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _dar; printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout } = await promisify(execFile)('bash', ['-uc', script, 'bash', file, ...words])
  return stdout.split('\n').filter((line) => line !== '')
}

describe('completion in bash', () => {
  it.each([
    [
      ['dar', 'e'],
      ['eval', 'export'],
    ],
    [
      ['dar', 'data', ''],
      ['inspect', 'make', 'help'],
    ],
    [['dar', 'data', 'make', '--o'], ['--out']],
    [
      ['dar', 'predict', '--st'],
      ['--steps', '--stretch'],
    ],
    [
      ['dar', 'predict', 'photo.jpg', '--device', ''],
      ['cpu', 'webgpu', 'cuda'],
    ],
    [['dar', 'predict', '--colormap', '=', 'm'], ['magma']], // as bash splits --colormap=m
    [['dar', 'completion', 'f'], ['fish']],
    [['dar', '--v'], ['--version']],
  ])('of %j', async (words, expected) => {
    expect(await offered(...words)).toEqual(expected)
  })

  it.each([
    ['the photo', ['dar', 'predict', 'ph']],
    ['the value of a flag that takes any', ['dar', 'predict', '--out', 'e']],
  ])('leaves %s to the shell, which completes file names', async (_, words) => {
    expect(await offered(...words)).toEqual([])
  })

  it('does not offer flags that the help hides', async () => {
    expect(await offered('dar', 'trace', '--w')).toEqual([])
  })
})

it('gives fish the same tree, with descriptions', () => {
  expect(fish).toContain(
    "complete -c dar -n '__fish_seen_subcommand_from predict' -l device -d 'what computes' -x -a 'cpu webgpu cuda'",
  )
  expect(fish).toContain("-f -a inspect -d 'what a data set holds, and what looks wrong with it'")
})
