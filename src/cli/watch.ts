/** `dar watch FOLDER`: the page of a training run, while it goes on and afterwards; or its report as one file. */
import type { Command } from 'commander'
import { checkRunFolder, DEFAULT_PORT, serveRun, writeReport } from '../watch/index.ts'
import { portNumber } from './flag-values.ts'

interface Flags {
  readonly port?: string
  readonly report?: boolean
}

const HELP = `
The page is served on this machine alone, from that folder alone, until Ctrl-C. From another machine:
  $ ssh -L ${DEFAULT_PORT}:127.0.0.1:${DEFAULT_PORT} HOST      and then open http://127.0.0.1:${DEFAULT_PORT}/

--report is for runs that were killed; dar train writes the report of every other.`

export function registerWatch(program: Command): void {
  program
    .command('watch')
    .description('a page with the curves and pictures of a training run')
    .argument('<folder>', 'the folder of a run: runs/<recipe>, or its --out')
    .option('--port <n>', `where the page is served (default: ${DEFAULT_PORT}, or a free port if that is taken)`)
    .option('--report', 'write report.html into the folder instead')
    .addHelpText('after', HELP)
    .action(async (folder: string, flags: Flags) => {
      const port = portNumber('--port', flags.port)
      checkRunFolder(folder)
      if (flags.report) {
        process.stdout.write(`${await writeReport(folder)}\n`)
        return
      }
      // The server keeps the process alive.
      const { url } = await serveRun(folder, { port })
      console.error(`${folder} at ${url} until Ctrl-C`)
    })
}
