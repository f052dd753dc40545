/** The SAFETENSORS room: the format of weights, as bytes in memory. Files are in runtime/safetensors-file.ts. */
export * from './float16.ts'
export * from './safetensors.ts'
