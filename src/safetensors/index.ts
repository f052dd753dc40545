/** The SAFETENSORS room: the format of weights, as bytes in memory. Files are in runtime/safetensors-file.ts. */
export * from './float16.ts'
export {
  LENGTH_BYTES,
  MAX_HEADER_BYTES,
  type SafetensorsDtype,
  type TensorData,
  type TensorEntry,
} from './format.ts'
export * from './read.ts'
export * from './write.ts'
