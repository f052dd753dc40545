/**
 * The programs of one network size that run one step each (graph/stages.ts). Each is loaded at its first use, so the first map
 * does not wait for the programs of the later steps. They compute what the program of the whole network computes, bit for bit. One
 * kind of model is an exception: where all steps share a convolution of the context (`contextGrid: 'memory'` with `context`), the
 * engine adds it up in another order, and depths differ by 1e-6 or so of themselves.
 *
 * What a step hands to later ones, a few megabytes, leaves the engine and enters it again with every program. With this, dar-nano takes
 * about 7 % more processor time than in one program (`npm run bench -- latency`). The weights that all steps share are in each of
 * their programs, unless they are mapped from their file.
 */
import type { Compiled, PortInfo } from '../graph/index.ts'
import type { RunnableGraph, Runner } from './runner.ts'
import { stopwatch } from './stopwatch.ts'

/** What one step gives. */
export interface StepRun {
  readonly outputs: Readonly<Record<string, Float32Array>>
  readonly ports: readonly PortInfo[]
  /** Milliseconds that loading its program took; 0 when it was loaded. */
  readonly compile: number
  /** Milliseconds inside the engine. */
  readonly run: number
}

interface StepProgram {
  readonly inputs: readonly string[]
  readonly graph: RunnableGraph
}

export class StepPrograms {
  private readonly programs: (Promise<StepProgram> | null)[]

  /** `stages`: compile the program of each step. */
  constructor(
    private readonly stages: readonly (() => Compiled)[],
    private readonly runner: Runner,
  ) {
    this.programs = stages.map(() => null)
  }

  /** Runs step by step. What follows a step is run when the next one is asked for, and not at all if none is. */
  async *run(image: Float32Array): AsyncGenerator<StepRun, void, undefined> {
    const values: Record<string, Float32Array> = { image }
    for (let step = 0; step < this.stages.length; step++) {
      const clock = stopwatch()
      const isThere = this.programs[step] !== null
      const { inputs, graph } = await this.program(step)
      const compile = isThere ? 0 : clock()
      const feeds = Object.fromEntries(inputs.map((name) => [name, values[name]]))
      const names = graph.outputs.map(({ name }) => name)
      const { outputs, milliseconds } = await graph.run(feeds, names)
      Object.assign(values, outputs)
      yield { outputs, ports: graph.outputs, compile, run: milliseconds }
    }
  }

  /** A failed load leaves nothing: the next use tries again. */
  private program(step: number): Promise<StepProgram> {
    const load = async () => {
      try {
        const compiled = this.stages[step]()
        return { inputs: compiled.inputs.map(({ name }) => name), graph: await this.runner.load(compiled) }
      } catch (error) {
        this.programs[step] = null
        throw error
      }
    }
    this.programs[step] ??= load()
    return this.programs[step]
  }

  async dispose(): Promise<void> {
    for (const program of this.programs) await (await program?.catch(() => null))?.graph.dispose()
    this.programs.fill(null)
  }
}
