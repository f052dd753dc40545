/**
 * What is said when this process is killed. A launcher that sees one process of a run die kills all others at once (MPICH's does), so
 * that none of them can say why. A shell in a session of its own, which such a kill does not reach, waits on a pipe from this process: when the
 * pipe ends without a word, it says what was left to say.
 */
import { spawn } from 'node:child_process'

export interface LastWord {
  /** Nothing needs to be said any more. */
  withdraw(): void
}

const SCRIPT = 'read -r word || printf "%s\\n" "$1" >&2'

/** Says `message`, on the standard error of this process, if this process ends before it is withdrawn. */
export function leaveWord(message: string): LastWord {
  const shell = spawn('/bin/sh', ['-c', SCRIPT, 'sh', message], {
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  // Without a shell the launcher's own message must do.
  shell.on('error', () => {})
  shell.stdin?.on('error', () => {})
  shell.unref()
  return {
    withdraw: () => {
      shell.stdin?.end('withdrawn\n')
    },
  }
}
