/** The results of a shard, all its entries, as one file: lines of JSON, or Parquet for tables. */
import { join } from 'node:path'
import { writeFileAtomically } from '../../support/files.ts'
import type { ManifestEntry } from '../manifest.ts'
import { library } from './connection.ts'
import type { ShardMessage } from './messages.ts'

export const resultsPath = (out: string, shard: string, kind: ShardMessage['results']) =>
  join(out, 'results', `${shard}.${kind}`)

/** Writes the file, whole or not at all; one that is there is replaced. */
export async function writeResults(
  path: string,
  entries: readonly ManifestEntry[],
  kind: ShardMessage['results'],
): Promise<void> {
  const lines = () => entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')
  await writeFileAtomically(path, kind === 'jsonl' ? lines() : await encodeParquet(entries))
}

/** A row for each entry. What has parts (outputs, timings) is JSON in a column of text. */
export async function encodeParquet(entries: readonly ManifestEntry[]): Promise<Uint8Array> {
  const { parquetWriteBuffer } = await library('hyparquet-writer', () => import('hyparquet-writer'))
  const text = (name: string, of: (entry: ManifestEntry) => string | null | undefined) =>
    ({ name, type: 'STRING', nullable: true, data: entries.map((entry) => of(entry) ?? null) }) as const
  const number = (name: string, type: 'INT32' | 'DOUBLE', of: (entry: ManifestEntry) => number | null | undefined) =>
    ({ name, type, nullable: true, data: entries.map((entry) => of(entry) ?? null) }) as const
  const json = (value: unknown) => (value === undefined ? null : JSON.stringify(value))
  const buffer = parquetWriteBuffer({
    columnData: [
      text('path', ({ path }) => path),
      text('status', ({ status }) => status),
      text('error', ({ error }) => error),
      text('sha256', ({ sha256 }) => sha256),
      number('bytes', 'DOUBLE', ({ bytes }) => bytes),
      number('width', 'INT32', ({ width }) => width),
      number('height', 'INT32', ({ height }) => height),
      text('focal_source', ({ focal }) => focal?.source),
      number('focal_millimetres35', 'DOUBLE', ({ focal }) => focal?.millimetres35),
      text('model', ({ model }) => model),
      text('options', ({ options }) => options),
      text('outputs', ({ outputs }) => json(outputs)),
      text('milliseconds', ({ milliseconds }) => json(milliseconds)),
      text('warnings', ({ warnings }) => json(warnings)),
      text('at', ({ at }) => at),
    ],
  })
  return new Uint8Array(buffer)
}
