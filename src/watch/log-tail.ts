/** Reads log.jsonl while it is being written: whole lines, each once. A line that a kill has torn is skipped. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { DarError, messageOf } from '../support/errors.ts'
import type { TrainEvent } from '../train/index.ts'

const CHUNK = 1 << 20
/** Bytes by which a log is known again: about a line, with its seconds. */
const END = 512

/** What is new in a log. */
export interface News {
  readonly events: readonly TrainEvent[]
  /** The log is another one than before: what was read of the former does not count. */
  readonly isNew: boolean
  /** When it was written last, milliseconds since 1970. */
  readonly writtenAt: number
}

/** Remembers how far it has read. */
export class LogTail {
  private readonly path: string
  private offset = 0
  /** The last bytes that were read. */
  private end = Buffer.alloc(0)
  private rest = Buffer.alloc(0)

  constructor(folder: string) {
    this.path = join(folder, 'log.jsonl')
  }

  /** What was written since the last call; null where there is no log yet. Throws a DarError when it cannot be read. */
  read(): News | null {
    let file: number
    try {
      file = openSync(this.path, 'r')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw new DarError(`cannot read ${this.path}: ${messageOf(error)}; check its permissions`)
    }
    try {
      const isNew = !this.continues(file)
      if (isNew) {
        this.offset = 0
        this.end = Buffer.alloc(0)
        this.rest = Buffer.alloc(0)
      }
      const events: TrainEvent[] = []
      const chunk = Buffer.alloc(CHUNK)
      for (let count = -1; count !== 0; ) {
        count = readSync(file, chunk, 0, CHUNK, this.offset)
        this.offset += count
        this.end = Buffer.concat([this.end, chunk.subarray(0, count)]).subarray(-END)
        events.push(...this.eventsIn(chunk.subarray(0, count)))
      }
      return { events, isNew, writtenAt: fstatSync(file).mtimeMs }
    } finally {
      closeSync(file)
    }
  }

  /** Whether this is the log that was read before: what was read last still stands there. Numbers of files are given again. */
  private continues(file: number): boolean {
    const bytes = Buffer.alloc(this.end.length)
    const count = readSync(file, bytes, 0, bytes.length, this.offset - this.end.length)
    return this.offset > 0 && count === bytes.length && bytes.equals(this.end)
  }

  private eventsIn(bytes: Buffer): TrainEvent[] {
    const all = Buffer.concat([this.rest, bytes])
    const end = all.lastIndexOf(0x0a) + 1
    this.rest = Buffer.from(all.subarray(end))
    const lines = all.toString('utf8', 0, end).split('\n')
    return lines.flatMap((line) => parsed(line) ?? [])
  }
}

function parsed(line: string): TrainEvent | null {
  if (line === '') return null
  try {
    const value = JSON.parse(line)
    return typeof value?.event === 'string' ? value : null
  } catch {
    return null
  }
}
