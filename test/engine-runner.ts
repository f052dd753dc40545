/** An engine as the pipeline asks for one: graphs run in its thread, and the pipeline in the test's. */
import type { Runner } from '../src/predict/index.ts'
import type { Engine } from '../src/runtime/engine.ts'

export function engineRunner(engine: Engine): Runner {
  return {
    async load(compiled) {
      const program = await engine.load(compiled)
      return {
        outputs: program.outputs,
        async run(feeds, fetch) {
          const outputs = (await program.run(feeds, { fetch })) as Record<string, Float32Array>
          return { outputs, milliseconds: program.lastMilliseconds }
        },
        dispose: () => program.dispose(),
      }
    },
  }
}
