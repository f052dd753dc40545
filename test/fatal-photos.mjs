/**
 * Loaded before a program, by NODE_OPTIONS=--import: its decoder then crashes at photos that hold a mark, as a fault in a decoder's C code would:
 * the process is gone by SIGSEGV. Which process decodes, and what becomes of the others, is the program's own doing.
 */
import sharp from 'sharp'

const { prototype } = sharp
const { toBuffer } = prototype
prototype.toBuffer = function (...given) {
  if (this.options.input.buffer?.includes('a photo that no decoder stands')) process.kill(process.pid, 'SIGSEGV')
  return toBuffer.apply(this, given)
}
