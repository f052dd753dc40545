/**
 * Native resources that are given back together, the last made first: what `AsyncDisposableStack` will be once every
 * supported Node has it. An owner is itself such a resource, so owners nest.
 */

export interface Disposable {
  dispose(): Promise<void>
}

export class Owner implements Disposable {
  private readonly held: Disposable[] = []

  /** Takes charge of a resource and returns it. */
  hold<T extends Disposable>(resource: T): T {
    this.held.push(resource)
    return resource
  }

  /** Disposes everything held, also when one of them fails; throws the first error then. May be called again. */
  async dispose(): Promise<void> {
    const errors: unknown[] = []
    for (let resource = this.held.pop(); resource; resource = this.held.pop())
      await resource.dispose().catch((error: unknown) => errors.push(error))
    if (errors.length > 0) throw errors[0]
  }
}
