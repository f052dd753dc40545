/**
 * A cache of things that are costly to make and hold native memory: the compiled programs of a model, one per network
 * size. The least recently used entry is evicted. A user holds an entry while using it; an entry that is evicted in the
 * meantime is disposed after its last use.
 */
interface Entry<V> {
  readonly value: Promise<V>
  users: number
  evicted: boolean
}

export class LeasedCache<V extends { dispose(): Promise<void> }> {
  /** Least recently used first. */
  private readonly entries = new Map<string, Entry<V>>()
  private readonly capacity: number

  constructor(capacity: number) {
    this.capacity = capacity
  }

  /** Runs `body` on the value of `key`, which `make` makes if it is not there. A failed `make` leaves no entry. */
  async use<T>(key: string, make: () => Promise<V>, body: (value: V) => Promise<T>): Promise<T> {
    const { value, release } = await this.lease(key, make)
    try {
      return await body(value)
    } finally {
      await release()
    }
  }

  /** The value of `key` as in `use`, held until `release` is called. */
  async lease(key: string, make: () => Promise<V>): Promise<{ readonly value: V; release(): Promise<void> }> {
    const entry = this.entries.get(key) ?? { value: make(), users: 0, evicted: false }
    this.entries.delete(key)
    this.entries.set(key, entry)
    entry.users++
    for (const [oldest, old] of this.entries) {
      if (this.entries.size <= this.capacity) break
      this.entries.delete(oldest)
      await this.evict(old)
    }
    const release = async () => {
      entry.users--
      if (entry.evicted) await this.evict(entry)
    }
    try {
      return { value: await entry.value, release }
    } catch (error) {
      if (this.entries.get(key) === entry) this.entries.delete(key)
      await release()
      throw error
    }
  }

  /** Disposes every entry. Those in use are disposed after their use. */
  async clear(): Promise<void> {
    const all = [...this.entries.values()]
    this.entries.clear()
    await Promise.all(all.map((entry) => this.evict(entry)))
  }

  private async evict(entry: Entry<V>): Promise<void> {
    entry.evicted = true
    if (entry.users > 0) return
    // One that could not be made has nothing to dispose; its maker has got the error.
    const value = await entry.value.catch(() => null)
    await value?.dispose()
  }
}
