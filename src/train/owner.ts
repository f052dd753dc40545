/**
 * A group of native resources that are disposed together, in reverse order, like `AsyncDisposableStack`, which not
 * every supported Node has. An owner is itself such a resource, so owners nest.
 */

export interface Disposable {
  dispose(): Promise<void>
}

export class Owner implements Disposable {
  private readonly held: Disposable[] = []

  /** Takes over a resource and returns it. */
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
