/** A model's name, or the path of its file: one of the Hub is downloaded, unless it was before. */
import { resolveModelPath } from '../node/model-path.ts'

/** Throws a DarError when there is no such model. */
export async function localModel(nameOrPath: string): Promise<string> {
  if (!nameOrPath.startsWith('hub:')) {
    resolveModelPath(nameOrPath)
    return nameOrPath
  }
  // Loaded when it is needed: most programs use no model of the Hub.
  const { hubFile } = await import('../hub/index.ts')
  return hubFile(nameOrPath)
}
