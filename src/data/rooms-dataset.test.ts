import { describe, expect, test } from 'vitest'
import { roomsDataset } from './rooms-dataset.ts'

describe('roomsDataset', () => {
  test('lists its frames in order with names, and reads the same frame alone', async () => {
    const set = roomsDataset({ seed: 3, count: 3, width: 16, height: 12 })
    const frames = []
    for await (const frame of set) frames.push(frame)
    expect(frames.map((f) => f.name)).toEqual(['rooms/3-0', 'rooms/3-1', 'rooms/3-2'])
    expect(set.length).toBe(3)
    expect((await set.get(2)).image.data).toEqual(frames[2].image.data)
    expect(frames[0].image.data).not.toEqual(frames[1].image.data)
  })

  test('names the frame that does not exist', async () => {
    await expect(roomsDataset({ count: 2 }).get(2)).rejects.toThrow(/no frame 2/)
    expect(() => roomsDataset({ count: 0 })).toThrow(/count is 0/)
  })
})
