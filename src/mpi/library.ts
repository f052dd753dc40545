/**
 * MPICH's shared library, called through koffi. Bound are the few functions that training uses, with handles as MPICH's ABI has them:
 * integers with fixed values. Intel MPI, MVAPICH and Cray MPICH share that ABI. Open MPI does not, and is refused.
 *
 * All functions are called from the main thread, and none of them waits: MPI_THREAD_FUNNELED is enough, and a process whose peers
 * are gone can still end. (Blocking calls would go through koffi's `.async()`, which takes threads of libuv's pool. A thread
 * that waits there for a dead process keeps Node from exiting.)
 */
import { DarError, messageOf } from '../support/errors.ts'

/** MPI_COMM_WORLD and the others, of MPICH's mpi.h. */
const HANDLES = {
  world: 0x44000000,
  byte: 0x4c00010d,
  float: 0x4c00040a,
  double: 0x4c00080b,
  sum: 0x58000003,
  errorsReturn: 0x54000001,
} as const
/** (void *) −1 */
const IN_PLACE = -1
/** (MPI_Status *) 1 */
const STATUS_IGNORE = 1
const THREAD_FUNNELED = 1

/** Tried in this order where `DAR_MPI` names none. */
const NAMES = ['libmpich.so.12', 'libmpich.so', 'libmpi.so.12', 'libmpi.so', 'libmpi.12.dylib', 'libmpi.dylib']
const REMEDY =
  'install MPICH (Debian: apt-get install mpich; a cluster: its module of MPICH, Intel MPI or MVAPICH), or name the library ' +
  'in the environment variable DAR_MPI'

/** A transfer that goes on while this thread does other things. */
export interface Transfer {
  /** Drives all transfers of this process on; whether this one is complete. */
  isDone(): boolean
}

/** MPI as one process of it sees it, from init to finalise. */
export interface Mpi {
  readonly rank: number
  readonly ranks: number
  /** What `MPI_Get_library_version` begins with. */
  readonly version: string
  /** Begins to overwrite `values` with their sums over all ranks. They must not be touched until it is done. */
  sum(values: Float32Array | Float64Array): Transfer
  /** Begins to overwrite `bytes` with those of rank 0. */
  broadcast(bytes: Uint8Array): Transfer
  /** Begins to wait for all ranks. */
  barrier(): Transfer
  finalise(): void
  /** Ends all processes of the run. Does not return. */
  abort(code: number): void
}

type Native = (...values: readonly unknown[]) => number

/** Loads the library and calls MPI_Init. Throws a DarError that names the remedy where there is no koffi or no library. */
export async function initialise(): Promise<Mpi> {
  const { library, path } = await load()
  const bind = (prototype: string) => library.func(prototype) as unknown as Native
  const text = Buffer.alloc(8192)
  const length = [0]
  bind('int MPI_Get_library_version(_Out_ char *text, _Out_ int *length)')(text, length)
  const version = text.toString('latin1', 0, length[0]).split('\n')[0].replace(/\s+/g, ' ').trim()
  if (/open mpi/i.test(version)) throw new DarError(`${path} is of ${version}, whose ABI is another; ${REMEDY}`)

  const errorText = bind('int MPI_Error_string(int code, _Out_ char *text, _Out_ int *length)')
  const check = (what: string, code: number) => {
    if (code === 0) return
    errorText(code, text, length)
    throw new DarError(`${what} failed: ${text.toString('latin1', 0, length[0])}`, { kind: 'gone' })
  }
  const provided = [0]
  const init = bind('int MPI_Init_thread(void *argc, void *argv, int required, _Out_ int *provided)')
  check('MPI_Init_thread', init(null, null, THREAD_FUNNELED, provided))
  check(
    'MPI_Comm_set_errhandler',
    bind('int MPI_Comm_set_errhandler(int comm, int handler)')(HANDLES.world, HANDLES.errorsReturn),
  )
  const numberFrom = (prototype: string) => {
    const value = [0]
    check(prototype, bind(prototype)(HANDLES.world, value))
    return value[0]
  }
  const rank = numberFrom('int MPI_Comm_rank(int comm, _Out_ int *rank)')
  const ranks = numberFrom('int MPI_Comm_size(int comm, _Out_ int *size)')

  const iallreduce = bind(
    'int MPI_Iallreduce(intptr_t from, void *values, int count, int type, int op, int comm, _Out_ int *request)',
  )
  const ibcast = bind('int MPI_Ibcast(void *values, int count, int type, int root, int comm, _Out_ int *request)')
  const ibarrier = bind('int MPI_Ibarrier(int comm, _Out_ int *request)')
  const test = bind('int MPI_Test(_Inout_ int *request, _Out_ int *flag, intptr_t status)')
  const finalize = bind('int MPI_Finalize()')
  const abort = bind('int MPI_Abort(int comm, int code)')

  /** `values` are held until the transfer is done, so that they are not collected. */
  const begin = (what: string, values: unknown, call: (request: number[]) => number): Transfer => {
    const request = [0]
    check(what, call(request))
    let held: unknown = values
    return {
      isDone: () => {
        if (held === undefined) return true
        const flag = [0]
        check(what, test(request, flag, STATUS_IGNORE))
        if (flag[0] !== 0) held = undefined
        return flag[0] !== 0
      },
    }
  }
  return {
    rank,
    ranks,
    version,
    sum: (values) =>
      begin('MPI_Iallreduce', values, (request) => {
        const type = values instanceof Float32Array ? HANDLES.float : HANDLES.double
        return iallreduce(IN_PLACE, values, values.length, type, HANDLES.sum, HANDLES.world, request)
      }),
    broadcast: (bytes) =>
      begin('MPI_Ibcast', bytes, (request) => ibcast(bytes, bytes.length, HANDLES.byte, 0, HANDLES.world, request)),
    barrier: () => begin('MPI_Ibarrier', null, (request) => ibarrier(HANDLES.world, request)),
    finalise: () => check('MPI_Finalize', finalize()),
    abort: (code) => {
      abort(HANDLES.world, code)
    },
  }
}

async function load() {
  const koffi = await loadKoffi()
  // UCX would replace malloc, mmap and brk of the running process. With Node's threads that ended in a segmentation fault now and then.
  // It needs them only for its cache of registered memory, on InfiniBand; whoever wants that sets them.
  process.env.UCX_MEM_EVENTS ??= 'no'
  process.env.UCX_MEM_MALLOC_HOOKS ??= 'no'
  process.env.UCX_MEM_MMAP_HOOK_MODE ??= 'none'
  // UCX and libfabric need more stack than koffi's default.
  koffi.config({ sync_stack_size: 8 * 2 ** 20 })
  const { DAR_MPI: named } = process.env
  const failures: string[] = []
  for (const path of named ? [named] : NAMES)
    try {
      return { library: koffi.load(path, { global: true }), path }
    } catch (error) {
      failures.push(messageOf(error))
    }
  const tried = named ? `${named} (${failures[0]})` : NAMES.join(', ')
  throw new DarError(`there is no MPI library: tried ${tried}; ${REMEDY}`, { kind: 'missing' })
}

async function loadKoffi() {
  try {
    return (await import('koffi')).default
  } catch (error) {
    throw new DarError(
      `--distributed mpi needs the package koffi, which is optional and not here: npm install koffi (${messageOf(error)})`,
      { kind: 'missing' },
    )
  }
}
