/** JSON files of data sets, checked against a schema. An error is one line that names the file. */
import type { z } from 'zod'
import { DarError, messageOf } from '../support/errors.ts'
import { readTextFile } from '../support/read-file.ts'

/** The validated contents, or null when there is no such file. */
export async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T | null> {
  let text: string
  try {
    text = await readTextFile(path, { remedy: 'make it readable or remove it' })
  } catch (error) {
    if (error instanceof DarError && error.kind === 'missing') return null
    throw error
  }
  return parseJson(text, path, schema)
}

/** `name` is what messages call it. */
export function parseJson<T>(text: string, name: string, schema: z.ZodType<T>): T {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new DarError(`${name} is not JSON: ${messageOf(error)}; correct or remove it`)
  }
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const { path: where, message } = result.error.issues[0]
  throw new DarError(`${name}: ${where.length > 0 ? `"${where.join('.')}": ` : ''}${message}; correct or remove it`)
}
