/**
 * Writes sw.js, the service worker, from src/service-worker.js: the list of the built files takes the place of `FILES`, and a hash of
 * that list that of `VERSION`. File names hold a hash of their content, so another build is another version.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Plugin } from 'vite'

/** The WebGPU engine: 27 MB, which a browser without WebGPU never needs. The page asks for what it uses. */
const ON_DEMAND = /asyncify/

export function serviceWorker(): Plugin {
  return {
    name: 'service-worker',
    apply: 'build',
    enforce: 'post',
    generateBundle(_, bundle) {
      const files = [
        './',
        ...Object.keys(bundle).filter((name) => !ON_DEMAND.test(name) && name !== 'index.html'),
      ].sort()
      const hash = createHash('sha256')
      for (const [name, part] of Object.entries(bundle))
        hash.update(name).update(part.type === 'asset' ? part.source : part.code)
      const source = readFileSync(new URL('src/service-worker.js', import.meta.url), 'utf8')
      this.emitFile({
        type: 'asset',
        fileName: 'sw.js',
        source: source
          .replace('self.FILES', JSON.stringify(files))
          .replace('self.VERSION', JSON.stringify(hash.digest('hex').slice(0, 16))),
      })
    },
  }
}
