/**
 * The files of examples/fleet are what their readers take, and call `dar` with flags that it has. No cluster is asked: the Kubernetes files
 * are checked against the API's types, the Slurm script by bash and ShellCheck, NATS's by its server.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Job } from 'kubernetes-types/batch/v1.d.ts'
import { describe, expect, it } from 'vitest'
import { registerBatch } from '../src/cli/batch.ts'
import { createProgram } from '../src/cli/program.ts'
import { hasProgram } from './has-program.ts'
import { checkManifests, documentsOf, type Manifest } from './kubernetes.ts'

const FOLDER = fileURLToPath(new URL('../examples/fleet', import.meta.url))
const file = (name: string) => join(FOLDER, name)
const [indexed, workers] = ['indexed-job.yaml', 'workers.yaml'].map((name) => {
  const documents = documentsOf(file(name))
  expect(documents, name).toHaveLength(1)
  return documents[0] as Job & Manifest
})
const argsOf = (job: Job) => job.spec!.template.spec!.containers[0].args!

/** Throws for a verb or a flag that `dar` does not have. */
function checkCall([batch, verb, ...args]: readonly string[]): void {
  expect(batch).toBe('batch')
  const [command] = createProgram([registerBatch], '0').commands
  const called = command.commands.find((one) => one.name() === verb)
  expect(called, verb).toBeDefined()
  const known = called!.options.flatMap(({ long, short }) => [long, short])
  for (const arg of args) if (arg.startsWith('-')) expect(known).toContain(arg.split('=')[0])
}

describe('the Kubernetes jobs', () => {
  it('are what the API takes', { timeout: 300_000 }, async () => {
    expect(await checkManifests([indexed, workers])).toBe('')
    const misspelt = { ...indexed, spec: { ...indexed.spec, completion: 3 } } as unknown as Manifest
    expect(await checkManifests([misspelt])).toContain('completion')
  })

  it('call dar with flags that it has, and divide by as many shards as there are completions', () => {
    for (const job of [indexed, workers]) checkCall(argsOf(job))
    const { completions, completionMode } = indexed.spec!
    expect(completionMode).toBe('Indexed')
    expect(argsOf(indexed)).toContain(`--shard=auto/${completions}`)
    expect(workers.spec!.template.spec!.containers[0].env).toMatchObject([{ name: 'DAR_STREAM' }])
  })
})

describe('the Slurm array', () => {
  const script = readFileSync(file('array.sbatch'), 'utf8')

  it('is a script of bash that calls dar with flags that it has', () => {
    execFileSync('bash', ['-n', file('array.sbatch')])
    const [, call] = /^exec dar (.*)$/m.exec(script)!
    checkCall(call.split(' '))
    expect(call).toContain('--shard auto ')
    const directives = [...script.matchAll(/^#SBATCH (.*)$/gm)].map(([, text]) => text)
    for (const text of directives) expect(text).toMatch(/^--[a-z-]+(=\S+)?$/)
    // sbatch reads them up to the first command.
    expect(script.lastIndexOf('#SBATCH')).toBeLessThan(script.indexOf('\nset '))
  })

  it.skipIf(!hasProgram('shellcheck'))('has nothing that ShellCheck complains of', () => {
    expect(execFileSync('shellcheck', ['-s', 'bash', file('array.sbatch')], { encoding: 'utf8' })).toBe('')
  })
})

it.skipIf(!hasProgram('nats-server'))('the configuration of NATS is one', () => {
  const env = { ...process.env, DAR_NATS_PASSWORD: 'x' }
  const args = ['-t', '-c', file('nats.conf')]
  expect(() => execFileSync('nats-server', args, { env, stdio: 'pipe' })).not.toThrow()
})
