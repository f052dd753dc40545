/** Data sets made from the names of their frames and a function that reads one; subsets of them by name. */
import { DarError } from '../support/errors.ts'
import type { Frame, NamedDataset } from './types.ts'

/**
 * `read(name, index)` returns everything of a frame except its full name, which is `<data set>/<name>`. Frames are read
 * on request and not kept.
 */
export function namedDataset(
  name: string,
  names: readonly string[],
  read: (name: string, index: number) => Promise<Omit<Frame, 'name'>>,
  { notes = [] }: { notes?: readonly string[] } = {},
): NamedDataset {
  const get = async (index: number): Promise<Frame> => {
    const own = names[index]
    if (own === undefined) throw new RangeError(`${name} has ${names.length} frames; there is no frame ${index}`)
    return { name: `${name}/${own}`, ...(await read(own, index)) }
  }
  return {
    name,
    names,
    notes,
    length: names.length,
    get,
    async *[Symbol.asyncIterator]() {
      for (let i = 0; i < names.length; i++) yield get(i)
    },
  }
}

/** Only these frames, in the order of the data set. Throws a DarError for an empty list or a name that is not there. */
export function subsetOf(dataset: NamedDataset, wanted: readonly string[]): NamedDataset {
  if (wanted.length === 0) throw new DarError(`the list of names for ${dataset.name} is empty; name at least one frame`)
  const places = new Map(dataset.names.map((name, i) => [name.normalize('NFC'), i]))
  const indices = wanted.map((name) => {
    const index = places.get(name.normalize('NFC'))
    if (index === undefined) throw new DarError(`no frame named ${name} in ${dataset.name}; check the list of names`)
    return index
  })
  indices.sort((a, b) => a - b)
  const names = indices.map((index) => dataset.names[index])
  return namedDataset(dataset.name, names, (_, i) => dataset.get(indices[i]), { notes: dataset.notes })
}
