/**
 * The programs of a model as files, for the workers of a pool: made once for each network size, mapped by every worker. They are fit
 * for the processor of this machine only, so they lie in a folder for temporary files and go with the pool.
 */
import { mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { resolveModelPath } from '../node/model-path.ts'
import type { ModelDescription } from '../predict/depth-model.ts'
import { sizeText } from '../predict/size.ts'
import type { Size } from '../predict/types.ts'
import { NativeThread } from '../runtime/thread.ts'
import { cannotWrite } from '../support/cannot-write.ts'
import { makeFolder } from '../support/folders.ts'
import { sweepOnce, temporaryBeside } from '../support/temporary.ts'
import type { MakeProgramsData, MakeProgramsRequest, ProgramFile } from './program-protocol.ts'

type MakerThread = NativeThread<MakeProgramsRequest, ModelDescription | ProgramFile>

export class ProgramFiles {
  private readonly made = new Map<string, Promise<ProgramFile>>()
  private waiting = 0

  private constructor(
    readonly description: ModelDescription,
    private readonly nameOrPath: string,
    private readonly folder: string,
    /** Null while there is nothing to make, and after the first program was: what the thread takes is given back. */
    private maker: MakerThread | null,
  ) {}

  /** Opens the model. `base`: where the folder of the programs is made. Throws a DarError when either cannot be. */
  static async open(nameOrPath: string, { base = tmpdir() }: { readonly base?: string } = {}): Promise<ProgramFiles> {
    resolveModelPath(nameOrPath) // a wrong name is not worth a thread
    sweepOnce(base)
    const maker = startMaker(nameOrPath)
    const folder = temporaryBeside(join(base, 'dar-programs'))
    try {
      const description = (await maker.call({ kind: 'describe' })) as ModelDescription
      await makeFolder(base)
      await mkdir(folder, { mode: 0o700 }).catch((error: unknown) => {
        throw cannotWrite(folder, error)
      })
      return new ProgramFiles(description, nameOrPath, folder, maker)
    } catch (error) {
      await maker.dispose()
      throw error
    }
  }

  /** The program of a network size. The first call for a size takes about a second. */
  at(network: Size): Promise<ProgramFile> {
    const key = sizeText(network)
    const known = this.made.get(key)
    if (known) return known
    const making = this.make(network)
    this.made.set(key, making)
    making.catch(() => this.made.delete(key))
    return making
  }

  private async make(network: Size): Promise<ProgramFile> {
    this.waiting++
    this.maker ??= startMaker(this.nameOrPath)
    const { maker } = this
    try {
      return (await maker.call({ kind: 'make', network, folder: this.folder })) as ProgramFile
    } finally {
      if (--this.waiting === 0) {
        this.maker = null
        await maker.dispose()
      }
    }
  }

  async dispose(): Promise<void> {
    await Promise.allSettled(this.made.values())
    await this.maker?.dispose()
    await rm(this.folder, { recursive: true, force: true })
  }
}

function startMaker(nameOrPath: string): MakerThread {
  const data: MakeProgramsData = { nameOrPath }
  return new NativeThread('make-programs-thread', import.meta.url, data)
}
