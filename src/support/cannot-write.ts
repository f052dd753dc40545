/** What is said when something cannot be written: why, and what helps. */
import { DarError, messageOf } from './errors.ts'

/** Why `path` could not be written, and what helps. */
export function cannotWrite(path: string, error: unknown): DarError {
  return new DarError(`cannot write ${path}: ${messageOf(error)}; ${remedyFor(error)}`, {
    kind: 'output',
    cause: error,
  })
}

/** What helps when something could not be written: room on a full disk, another place elsewhere. */
export function remedyFor(error: unknown): string {
  switch ((error as NodeJS.ErrnoException | null)?.code) {
    case 'ENOSPC':
      return 'the disk is full: make room, or choose a folder on another one'
    case 'EDQUOT':
      return 'your quota is used up: make room, or choose a folder elsewhere'
    case 'EFBIG':
      return 'the file is larger than this system or your limit (ulimit -f) allows: raise it, or choose another disk'
    case 'EIO':
      return 'the disk fails: choose a folder on another one'
    case 'EMFILE':
    case 'ENFILE':
      return 'too many files are open: close some, or raise the limit (ulimit -n)'
    default:
      return 'choose a folder you may write to'
  }
}
