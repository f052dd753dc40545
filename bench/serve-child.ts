/** The server of serve.ts, in a process of its own, so that the load does not share its event loop. It is asked by messages. */
import { readFileSync, writeFileSync } from 'node:fs'
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import { loadModel } from '../src/node/index.ts'
import { listen, ModelKeeper, ThreadCodec } from '../src/serve/index.ts'

export interface ChildOptions {
  readonly model: string
  readonly threads: number
  readonly batch: number
  readonly maxBody: number
}

export type Question = 'reset' | 'read' | 'drain'

/** Since the last `reset`. */
export interface Reading {
  /** Milliseconds. */
  readonly loopP99: number
  readonly loopLongest: number
  /** Bytes: at the reset, and the most since. */
  readonly memoryBefore: number
  readonly memoryPeak: number
}

const { model: name, threads, batch, maxBody } = JSON.parse(process.argv[2]) as ChildOptions
const keeper = await ModelKeeper.open(() => loadModel(name, { threads, batch }))
const codec = new ThreadCodec()
const server = await listen({ model: keeper, codec, port: 0, limits: { maxBody, maxConnections: 2000 } })
const delays: IntervalHistogram = monitorEventLoopDelay({ resolution: 1 })
delays.enable()

/** The most memory that was resident: Linux counts it; elsewhere it is looked at every 5 ms. */
const memory = { before: 0, peak: 0 }
const counts = process.platform === 'linux'
if (!counts)
  setInterval(() => {
    memory.peak = Math.max(memory.peak, process.memoryUsage.rss())
  }, 5).unref()

function resetMemory(): void {
  if (counts) writeFileSync('/proc/self/clear_refs', '5')
  memory.before = process.memoryUsage.rss()
  memory.peak = memory.before
}

function peakMemory(): number {
  if (!counts) return memory.peak
  return 1024 * Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1])
}

async function answer(question: Question): Promise<unknown> {
  switch (question) {
    case 'reset':
      delays.reset()
      resetMemory()
      return null
    case 'read': {
      const [loopP99, loopLongest] = [delays.percentile(99) / 1e6, delays.max / 1e6]
      return { loopP99, loopLongest, memoryBefore: memory.before, memoryPeak: peakMemory() } satisfies Reading
    }
    case 'drain': {
      const lost = await server.drain()
      await codec.dispose()
      await keeper.dispose()
      return lost
    }
  }
}

process.on('message', (question: Question) => {
  void answer(question).then((value) => {
    process.send?.({ value })
    if (question === 'drain') process.disconnect()
  })
})
process.once('disconnect', () => process.exit()) // the bench has ended
process.send?.({ value: server.url })
