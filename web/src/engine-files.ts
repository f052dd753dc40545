/** Where the files of each engine are: the worker loads them, and the page keeps those that it uses. */
import gpuGlue from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url'
import gpuWasm from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url'
import glue from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url'
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url'

const absolute = (url: string) => new URL(url, self.location.href).href

export const ENGINE_FILES = {
  wasm: { mjs: absolute(glue), wasm: absolute(wasm) },
  webgpu: { mjs: absolute(gpuGlue), wasm: absolute(gpuWasm) },
} as const
