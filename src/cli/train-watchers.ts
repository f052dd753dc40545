/**
 * What looks at a run beside the terminal: the page of `--watch`, the event files of `--tensorboard`, and the report that every run
 * leaves, however it ends. They see the events and touch nothing, so that the numbers of a run do not depend on them.
 */
import { messageOf } from '../support/errors.ts'
import { printable } from '../support/printable.ts'
import type { TrainEvent } from '../train/index.ts'
import { reportPath, serveRun, TensorBoardFile, writeReport } from '../watch/index.ts'

export interface Watchers {
  readonly onEvent: (event: TrainEvent) => void
  /** Writes the report and ends the page. Never throws: how the run itself ended is what counts. */
  close(): Promise<void>
}

/** `page`: null for none. Throws a DarError when the page's port cannot be had. */
export async function openWatchers(
  out: string,
  {
    page,
    tensorboard = false,
    say = (line) => console.error(printable(line)),
  }: {
    readonly page: { readonly port?: number } | null
    readonly tensorboard?: boolean
    readonly say?: (line: string) => void
  },
): Promise<Watchers> {
  const server = page && (await serveRun(out, page))
  if (server) say(`watch it at ${server.url}`)
  const events = tensorboard ? new TensorBoardFile(out) : null
  let hasStarted = false
  return {
    onEvent(event) {
      hasStarted ||= event.event === 'start'
      events?.see(event)
    },
    async close() {
      events?.close()
      await server?.dispose()
      // A run that was refused has written nothing, and what lies in the folder is another's.
      if (!hasStarted) return
      try {
        await writeReport(out)
        say(`the report is ${reportPath(out)}`)
      } catch (error) {
        say(`warning: no report: ${messageOf(error)}`)
      }
    },
  }
}
