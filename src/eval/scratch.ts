/**
 * Memory for the pixels of one frame, used again for the next: arrays of a megabyte or two that are made and thrown away for
 * every frame and step cost as much as the metrics computed from them. Arrays are handed out one after the other, and
 * `reset` takes all of them back; their contents are what was left there.
 */
export class Scratch {
  private readonly buffers: ArrayBuffer[] = []
  private used = 0

  /** From here on, arrays handed out before are overwritten. */
  reset(): void {
    this.used = 0
  }

  /** Float64 values; what they hold is what was left there. */
  doubles(length: number): Float64Array {
    return new Float64Array(this.buffer(8 * length), 0, length)
  }

  /** Int32 values, likewise. */
  integers(length: number): Int32Array {
    return new Int32Array(this.buffer(4 * length), 0, length)
  }

  private buffer(bytes: number): ArrayBuffer {
    const index = this.used++
    const held = this.buffers[index]
    if (held && held.byteLength >= bytes) return held
    this.buffers[index] = new ArrayBuffer(bytes)
    return this.buffers[index]
  }
}
