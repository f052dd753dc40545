/**
 * The manifest of a batch: one line of JSON for each photo, appended when its outputs are on the disk. So a line that says `done` is
 * true whenever the process was killed. Of several lines with the same path the last one counts. A last line that a kill has torn is
 * cut off before the next is written, and not read.
 *
 * Every process appends to a file of its own and reads all of them: shards write side by side into one folder.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Focal, Timing } from '../predict/types.ts'
import { cannotWrite } from '../support/cannot-write.ts'
import { DarError } from '../support/errors.ts'
import { namesIn } from '../support/files.ts'

/** One line. */
export interface ManifestEntry {
  /** As in the list, or relative to the folder that was given. */
  readonly path: string
  /** SHA-256 of the photo's bytes, in hexadecimal; null where it could not be read. */
  readonly sha256: string | null
  /** Of the photo's file; null where it could not be read. */
  readonly bytes: number | null
  /** When the photo's file was last changed, in milliseconds; null where it could not be read. */
  readonly modified: number | null
  /** SHA-256 of the model's file. */
  readonly model: string
  /** A hash of what else decides the outputs: formats, size, focal length. */
  readonly options: string
  readonly status: 'done' | 'failed'
  /** Why it failed. */
  readonly error?: string
  /** The failure says something of the machine, not of the photo. */
  readonly passing?: boolean
  readonly width?: number
  readonly height?: number
  readonly focal?: Pick<Focal, 'source' | 'millimetres35'>
  readonly warnings?: readonly string[]
  readonly milliseconds?: Timing & { readonly write: number }
  /** By what they hold: `depth.png`. */
  readonly outputs?: Readonly<Record<string, OutputFile>>
  /** When the line was written, ISO 8601. */
  readonly at: string
}

/** A file that was written, relative to the folder of the outputs. */
export interface OutputFile {
  readonly file: string
  readonly bytes: number
}

const NAME = /^manifest(\..+)?\.jsonl$/

/** The manifest file of a shard (`2-of-8`, or any other label), or of a batch that is not divided. */
export function manifestPath(folder: string, label: string | null): string {
  return join(folder, label === null ? 'manifest.jsonl' : `manifest.${label}.jsonl`)
}

/**
 * The last entry of each photo in the manifests of a folder that `wanted` lets through. Manifests of other shards are read up to where they
 * are just now.
 */
export async function readManifests(
  folder: string,
  wanted: (path: string) => boolean = () => true,
): Promise<Map<string, ManifestEntry>> {
  const entries = new Map<string, ManifestEntry>()
  const names = (await namesIn(folder)).filter((name) => NAME.test(name)).sort()
  for (const name of names)
    for await (const entry of entriesOf(join(folder, name))) {
      const before = entries.get(entry.path)
      if (wanted(entry.path) && (!before || before.at <= entry.at)) entries.set(entry.path, entry)
    }
  return entries
}

/** The entries of one manifest. What is no entry, such as a torn line, is left out: its photo is done again. */
async function* entriesOf(path: string): AsyncGenerator<ManifestEntry> {
  const file = await open(path)
  try {
    for await (const line of file.readLines({ autoClose: false })) {
      const entry = parsed(line)
      if (entry) yield entry
    }
  } finally {
    await file.close()
  }
}

function parsed(line: string): ManifestEntry | null {
  try {
    const value = JSON.parse(line) as Partial<ManifestEntry> | null
    const isEntry =
      typeof value?.path === 'string' &&
      typeof value.at === 'string' &&
      (value.status === 'done' || value.status === 'failed')
    return isEntry ? (value as ManifestEntry) : null
  } catch {
    return null
  }
}

/** A manifest that is written to. */
export class ManifestWriter {
  private constructor(
    private readonly path: string,
    private readonly file: FileHandle,
    /** Whether the file system says how many names a file has. */
    private readonly countsLinks: boolean,
  ) {}

  /** Opens the file for appending, which it makes, and cuts a torn last line off. The caller holds the lock of it. */
  static async open(path: string): Promise<ManifestWriter> {
    try {
      const file = await open(path, 'a+')
      try {
        await mendLastLine(file)
      } catch (error) {
        await file.close()
        throw error
      }
      return new ManifestWriter(path, file, (await file.stat()).nlink > 0)
    } catch (error) {
      throw error instanceof DarError ? error : cannotWrite(path, error)
    }
  }

  /**
   * In one write, which the system appends as a whole.
   * @throws DarError when there is no room, or the file was removed: nobody would find the line.
   */
  async append(entry: ManifestEntry): Promise<void> {
    const line = Buffer.from(`${JSON.stringify(entry)}\n`)
    try {
      const { bytesWritten } = await this.file.write(line)
      if (bytesWritten < line.length) await this.file.appendFile(line.subarray(bytesWritten)) // throws: the disk is full
    } catch (error) {
      throw cannotWrite(this.path, error)
    }
    if (!this.countsLinks || (await this.file.stat()).nlink > 0) return
    throw new DarError(`the manifest ${this.path} was removed while it was written; run the same command again`, {
      kind: 'output',
    })
  }

  async close(): Promise<void> {
    await this.file.sync().catch(() => {})
    await this.file.close()
  }
}

/** No line is longer, so that the end of a file shows where the last one begins. */
const TAIL = 2 ** 20

/** A last line that is whole but for its end gets it; any other is cut off. */
async function mendLastLine(file: FileHandle): Promise<void> {
  const { size } = await file.stat()
  if (size === 0) return
  const length = Math.min(size, TAIL)
  const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length)
  const end = buffer.lastIndexOf('\n')
  if (end === length - 1) return
  if (parsed(buffer.subarray(end + 1).toString('utf8'))) await file.appendFile('\n')
  else await file.truncate(end === -1 && length === size ? 0 : size - length + end + 1)
}
