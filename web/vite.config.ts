/** How the page is built: a folder of static files in dist/web, with addresses relative to the page, so that any host serves it under any path. */
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'
import { pointsOnlyShaders } from './points-only-shaders.ts'
import { serviceWorker } from './service-worker-plugin.ts'

/** A page that is isolated like this may use several threads. */
const ISOLATION = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: './',
  assetsInclude: ['**/*.safetensors'],
  resolve: { conditions: ['onnxruntime-web-use-extern-wasm', 'browser', 'module', 'import', 'default'] },
  server: { headers: ISOLATION, host: '127.0.0.1' },
  preview: { headers: ISOLATION, host: '127.0.0.1' },
  worker: { format: 'es' },
  plugins: [pointsOnlyShaders(), serviceWorker()],
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false }, // browsers that have wasm with SIMD preload modules by themselves
    chunkSizeWarningLimit: 1000,
    reportCompressedSize: false,
  },
})
