/** A server of the benchmark in a process of its own (serve-child.ts), so that the load does not share its event loop. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { ChildOptions, Question, Reading } from './serve-child.ts'

export class Server {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
    /** Bytes. */
    readonly maxBody: number,
  ) {}

  static async start(options: ChildOptions): Promise<Server> {
    const script = fileURLToPath(new URL('serve-child.ts', import.meta.url))
    const child = fork(script, [JSON.stringify(options)], { execArgv: ['--import', 'tsx'] })
    return new Server(child, String(await replyOf(child)), options.maxBody)
  }

  ask(question: Question): Promise<unknown> {
    const reply = replyOf(this.child)
    this.child.send(question)
    return reply
  }

  async read(): Promise<Reading> {
    return (await this.ask('read')) as Reading
  }
}

function replyOf(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onExit = () => reject(new Error('the server ended'))
    child.once('exit', onExit)
    child.once('message', ({ value }: { readonly value: unknown }) => {
      child.off('exit', onExit)
      resolve(value)
    })
  })
}
