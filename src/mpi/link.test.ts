import { connect } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Centre, type Link, Spoke } from './link.ts'

/** A busy machine takes its time. */
const PATIENT = { timeout: 20_000 }
const TOKEN = 'of this run'
const open: Link[] = []
afterEach(() => {
  for (const link of open.splice(0)) link.dispose()
})

/** Rank 0, and as many others as are asked for, in one process. */
async function star(others: number, timing = {}) {
  const { centre, port } = await Centre.open(TOKEN, timing)
  open.push(centre)
  const meeting = { hosts: ['127.0.0.1'], port, token: TOKEN }
  const ranks = Array.from({ length: others }, (_, i) => i + 1)
  const spokes = await Promise.all(ranks.map((rank) => Spoke.open(meeting, { rank, host: 'here' }, timing)))
  open.push(...spokes)
  await vi.waitFor(() => expect(centre.connected).toBe(others), PATIENT)
  return { centre, spokes, port, meeting }
}
const problem = (link: Link) =>
  vi.waitFor(() => (link.problem ? link.problem : expect.fail('nothing is wrong')), PATIENT)

describe('a link', () => {
  it('tells all ranks what one of them says before it ends, and lets that one wait for rank 0', async () => {
    const { centre, spokes } = await star(3)
    const failed = spokes[1].fail('disk full')
    expect(await problem(centre)).toMatchObject({ message: 'rank 2 failed: disk full', isKnown: false, kind: 'gone' })
    expect(await problem(spokes[2])).toMatchObject({ message: 'rank 2 failed: disk full', isKnown: true })
    let isOver = false
    failed.then(() => {
      isOver = true
    })
    await setTimeout(50)
    expect(isOver).toBe(false)
    centre.dispose()
    await failed
  })

  it('tells the others why rank 0 fails', async () => {
    const { centre, spokes } = await star(2)
    await centre.fail('no space')
    for (const spoke of spokes) expect(await problem(spoke)).toMatchObject({ message: 'rank 0 failed: no space' })
  })

  it('takes silence for an end', { timeout: 30_000 }, async () => {
    const { centre, port } = await star(0, { beat: 100, silence: 3000 })
    const mute = connect(port, '127.0.0.1')
    mute.write(`${JSON.stringify({ kind: 'hello', token: TOKEN, rank: 7, pid: 1, host: 'far' })}\n`)
    mute.resume()
    expect((await problem(centre)).message).toBe(
      'rank 7 (process 1 on far) has ended without a word, as if it was killed (silent for 3 s)',
    )
    mute.destroy()
  })

  it('takes a goodbye for no alarm, and a broken connection for one', async () => {
    const { centre, spokes, port } = await star(2)
    spokes[0].dispose()
    await vi.waitFor(() => expect(centre.connected).toBe(1), PATIENT)
    expect(centre.problem).toBeNull()
    const killed = connect(port, '127.0.0.1')
    killed.write(`${JSON.stringify({ kind: 'hello', token: TOKEN, rank: 8, pid: 2, host: 'far' })}\n`)
    await vi.waitFor(() => expect(centre.connected).toBe(2), PATIENT)
    killed.resetAndDestroy()
    expect((await problem(centre)).message).toMatch(/^rank 8 \(process 2 on far\) has ended without a word/)
    expect((await problem(spokes[1])).message).toBe(centre.problem?.message)
  })

  it('takes nothing from those who do not know the token', async () => {
    const { centre, port, meeting } = await star(1)
    const closed = (text: string) =>
      new Promise<void>((resolve) => {
        const socket = connect(port, '127.0.0.1', () => socket.write(`${text}\n`))
        socket.on('error', () => {})
        socket.on('close', () => resolve())
        socket.resume()
      })
    await closed('GET / HTTP/1.1')
    await closed('null')
    await closed(JSON.stringify({ kind: 'failed', message: 'boo' }))
    await closed(JSON.stringify({ kind: 'hello', token: 'guessed', rank: 1, pid: 1, host: 'x' }))
    expect(centre.problem).toBeNull()
    expect(centre.connected).toBe(1)
    centre.dispose()
    await expect(Spoke.open({ ...meeting, port: 1 }, { rank: 3, host: 'far' })).rejects.toThrow(
      /^rank 3 on far cannot reach rank 0 at port 1 of 127\.0\.0\.1 \(.*ECONNREFUSED.*\): let the machines/,
    )
  })
})
