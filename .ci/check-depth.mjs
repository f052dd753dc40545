// node check-depth.mjs STEM WIDTH HEIGHT: that `dar predict` left its files at STEM.*, and that they hold a depth map of that
// size in metres. Reads the npy and PNG headers by hand, so that the check does not share the product's code.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'

const [stem, width, height] = process.argv.slice(2)
const size = [Number(width), Number(height)]

for (const [name, bits] of [
  [`${stem}.depth.png`, 16],
  [`${stem}.color.png`, 8],
]) {
  const png = readFileSync(name)
  assert.equal(png.toString('latin1', 1, 4), 'PNG', `${name} is not a PNG`)
  assert.equal(png[24], bits, `${name} has ${png[24]} bits a channel`)
  if (bits === 16) assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], size, `${name} has the wrong size`)
}

const npy = readFileSync(`${stem}.depth.npy`)
assert.equal(npy.toString('latin1', 1, 6), 'NUMPY', 'not an npy file')
const start = 10 + npy.readUInt16LE(8)
const header = npy.toString('latin1', 10, start)
assert.match(header, /'descr': '<f4'.*'fortran_order': False/)
assert.match(header, new RegExp(`'shape': \\(${height}, ${width}\\)`))
const metres = new Float32Array(npy.buffer.slice(npy.byteOffset + start, npy.byteOffset + npy.length))
assert.equal(metres.length, size[0] * size[1])
const low = metres.reduce((a, b) => Math.min(a, b), Infinity)
const high = metres.reduce((a, b) => Math.max(a, b), -Infinity)
assert.ok(low > 0 && high < 20 && high > low, `depths from ${low} to ${high} m are not plausible for a room`)
console.log(`${stem}: ${size.join('×')}, ${low.toFixed(2)} to ${high.toFixed(2)} m`)
