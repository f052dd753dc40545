import { defineConfig } from 'vite'

export default defineConfig({
  base: './', // the built folder works below any path
  worker: { format: 'es' }, // the worker loads its engine when it is needed
  // With these headers WebAssembly may use several threads; the host of the built folder needs them, too.
  server: {
    headers: { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' },
  },
})
