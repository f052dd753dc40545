/** The browser app for tests: built once per test file, into a folder of its own, and served as any host would serve it. */
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from './temporary-folder.ts'

const ROOT = fileURLToPath(new URL('../web', import.meta.url))

/** Builds the page; the folder of its files. */
export async function buildPage(): Promise<string> {
  const { build } = await import('vite')
  const outDir = await temporaryFolder()
  await build({
    root: ROOT,
    configFile: fileURLToPath(new URL('../web/vite.config.ts', import.meta.url)),
    logLevel: 'error',
    build: { outDir, emptyOutDir: false },
  })
  return outDir
}
