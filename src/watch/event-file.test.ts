import { describe, expect, it } from 'vitest'
import { crc32c } from './crc32c.ts'
import { encodeEvent } from './event-file.ts'
import { decodeEvents } from './testing.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

describe('crc32c', () => {
  it.each([
    ['nothing', new Uint8Array(0), 0],
    ['the digits from 1 to 9', Buffer.from('123456789'), 0xe3069283],
    ['32 bytes 0', new Uint8Array(32), 0x8a9136aa],
    ['32 bytes 255', new Uint8Array(32).fill(255), 0x62a8ab43],
    ['0 to 31', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
    ['31 to 0', Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
  ])('of %s is what RFC 3720 states', (_, bytes, value) => {
    expect(crc32c(bytes)).toBe(value)
  })
})

describe('an event', () => {
  // Bytes that other writers of event files make, and TensorBoard reads: CRCs, field numbers and wire types at once.
  it.each([
    [
      { wallTime: 256.5, content: { kind: 'version' } },
      '1800000000000000a37f4b22' + '0900000000000870401a0d627261696e2e4576656e743a32' + 'bc98212b',
    ],
    [
      { wallTime: 256.5, step: 1, content: { kind: 'scalars', scalars: [{ tag: 'v/1', value: 1.5 }] } },
      '19000000000000008bf10828' + '09000000000008704010012a0c0a0a0a03762f31150000c03f' + '2cecc087',
    ],
    [
      { wallTime: 256.5, step: 2, content: { kind: 'scalars', scalars: [{ tag: 'v/22', value: 16 }] } },
      '1a00000000000000129bd82d' + '09000000000008704010022a0d0a0b0a04762f32321500008041' + '8fa3b688',
    ],
  ] as const)('%j is these bytes', (event, bytes) => {
    expect(hex(encodeEvent(event))).toBe(bytes)
  })

  it('is read back by a decoder that is written from the format', () => {
    const scalars = [
      { tag: 'validation/küche/abs_rel', value: 0.25 },
      { tag: 'train/rate', value: Number.NaN },
    ]
    const events = [
      { wallTime: 1.5e9, content: { kind: 'version' } },
      { wallTime: 1.5e9, step: 2 ** 31, content: { kind: 'session start' } },
      { wallTime: 1.5e9 + 0.25, step: 300, content: { kind: 'scalars', scalars } },
    ] as const
    const decoded = decodeEvents(Buffer.concat(events.map(encodeEvent)))
    expect(decoded).toEqual([
      { wallTime: 1.5e9, step: 0, version: 'brain.Event:2' },
      { wallTime: 1.5e9, step: 2 ** 31, status: 1 },
      { wallTime: 1.5e9 + 0.25, step: 300, scalars },
    ])
  })

  it('with a flipped bit is refused by that decoder', () => {
    const bytes = encodeEvent({ wallTime: 1, content: { kind: 'version' } })
    for (const at of [0, 9, 20, bytes.length - 1]) {
      const broken = bytes.slice()
      broken[at] ^= 1
      expect(() => decodeEvents(broken), String(at)).toThrow()
    }
  })
})
