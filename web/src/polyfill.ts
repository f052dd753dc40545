/** The portable rooms name their `dispose` methods by these two symbols, which not every browser has yet. First import of the page and of the worker. */
for (const name of ['dispose', 'asyncDispose'] as const)
  if (!(name in Symbol)) Object.defineProperty(Symbol, name, { value: Symbol(name) })

export {}
