/** Concatenates arrays into new memory. */
export function concatenated(parts: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const values = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0))
  let offset = 0
  for (const part of parts) {
    values.set(part, offset)
    offset += part.length
  }
  return values
}
