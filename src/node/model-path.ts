/**
 * Where a model lies. A name means `models/<name>/model.safetensors` of this package; a path is a file that `dar train` wrote.
 */
import { createHash } from 'node:crypto'
import { createReadStream, existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DarError, messageOf } from '../support/errors.ts'
import { checkRegularFile } from '../support/read-file.ts'
import { UNBUNDLED } from '../support/threads.ts'

/** The package's folder of models, seen from `src/node` or `dist/src/node`. */
export const MODELS = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../models/' : '../../../models/', import.meta.url),
)

/** Names of the models that the package ships. */
export function shippedModels(): string[] {
  if (!existsSync(MODELS)) return []
  // Sorted, since runtimes differ in the order in which they list a folder.
  const names = readdirSync(MODELS).sort()
  return names.filter((name) => existsSync(join(MODELS, name, 'model.safetensors')))
}

/** Where a model lies. Throws a DarError that lists the shipped models when a name is not one of them. */
export function resolveModelPath(nameOrPath: string): string {
  if (nameOrPath.endsWith('.safetensors') || /[/\\]/.test(nameOrPath)) return nameOrPath
  const shipped = shippedModels()
  if (shipped.includes(nameOrPath)) return join(MODELS, nameOrPath, 'model.safetensors')
  const known =
    shipped.length > 0 ? `the shipped models are ${shipped.join(', ')}` : `no model lies in ${MODELS} (${UNBUNDLED})`
  throw new DarError(
    `there is no model '${nameOrPath}': ${known}; give one of those, the path of a .safetensors file, or hub:owner/name`,
    { kind: 'missing' },
  )
}

/**
 * SHA-256 of a model's file, in hexadecimal, kept beside figures to say which model they belong to. Throws a DarError
 * when there is no such model.
 */
export async function modelHash(nameOrPath: string): Promise<string> {
  return fileHash(resolveModelPath(nameOrPath))
}

/** The same of the file at `path`. A gigabyte takes about 0.6 s. */
export async function fileHash(path: string): Promise<string> {
  const hash = createHash('sha256')
  await checkRegularFile(path)
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk)
  } catch (error) {
    throw new DarError(`cannot read the model ${path} (${messageOf(error)}); check the path`, { kind: 'missing' })
  }
  return hash.digest('hex')
}
