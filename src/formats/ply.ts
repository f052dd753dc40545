/**
 * PLY of points: binary, little endian, `float x y z` in metres and, with colours, `uchar red green blue`. Open3D, MeshLab, CloudCompare,
 * Blender and three.js read it. The axes are the cloud's: x right, y down, z into the picture, as other depth tools write them.
 */
import type { PointCloud } from './point-cloud.ts'

/** The bytes of a `.ply` file. `comment` goes into its header, on one line. */
export function encodePly(
  { count, positions, colours }: PointCloud,
  { comment = 'metres; x right, y down, z forward' }: { readonly comment?: string } = {},
): Uint8Array {
  const properties = [
    ...['x', 'y', 'z'].map((name) => `property float ${name}`),
    ...(colours ? ['red', 'green', 'blue'].map((name) => `property uchar ${name}`) : []),
  ]
  const header = [
    'ply',
    'format binary_little_endian 1.0',
    `comment ${comment.replace(/[^\x20-\x7e]/g, ' ')}`,
    `element vertex ${count}`,
    ...properties,
    'end_header\n',
  ].join('\n')
  const head = new TextEncoder().encode(header)
  const size = colours ? 15 : 12
  const bytes = new Uint8Array(head.length + size * count)
  bytes.set(head)
  const view = new DataView(bytes.buffer)
  for (let i = 0, at = head.length; i < count; i++, at += size) {
    view.setFloat32(at, positions[3 * i], true)
    view.setFloat32(at + 4, positions[3 * i + 1], true)
    view.setFloat32(at + 8, positions[3 * i + 2], true)
    if (colours) {
      bytes[at + 12] = colours[3 * i]
      bytes[at + 13] = colours[3 * i + 1]
      bytes[at + 14] = colours[3 * i + 2]
    }
  }
  return bytes
}
