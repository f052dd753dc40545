/**
 * The processes that MPI started together, as training sees them: sums and broadcasts that are awaited, the time that they take, and an
 * error instead of a wait without end where one of them is gone.
 *
 * Large sums go in buckets. Before the first bucket there is a barrier, so that waiting for a slower rank and moving bytes are
 * told apart, also in how they poll: a rank that waits sleeps between its looks and leaves the core to others, a rank that moves bytes looks
 * all the time. MPICH adds in an order that depends on the number of ranks and the length alone, so a sum is the same at every
 * run, bit for bit, and the same on every rank.
 */
import { createHash, randomUUID } from 'node:crypto'
import { hostname, networkInterfaces } from 'node:os'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { assert, DarError, messageOf } from '../support/errors.ts'
import { type LastWord, leaveWord } from './last-word.ts'
import { initialise, type Mpi, type Transfer } from './library.ts'
import { Centre, type Link, type Meeting, PeerError, Spoke } from './link.ts'

/** Seconds since the start, in ranks that wait for each other and in bytes that move. */
export interface CommunicationTime {
  readonly waiting: number
  readonly moving: number
}

/** Up to so many bytes a sum is sent at once, without a barrier. */
const SMALL_BYTES = 4096
/** A rank that waits looks all the time for so long, and then once in a millisecond. */
const EAGER_MS = 2
/** Of a large broadcast, sent at once. */
const PIECE_BYTES = 2 ** 24
const KILLED =
  'dar: a process of this run was killed, and so all were ended (the launcher names the process and the signal). What was trained since ' +
  'the last checkpoint is lost; go on with --resume'
const MEETING_BYTES = 4096

/** A launcher has this long to read the last message of a run. */
const READING_MS = 200

/** One process of the run. `leave` or `fail` it. */
export class Communicator {
  private waiting = 0
  private moving = 0

  private constructor(
    private readonly mpi: Mpi,
    private readonly link: Link | null,
    /** Processes of the run on this machine. */
    readonly neighbours: number,
    private readonly lastWord: LastWord | null = null,
  ) {}

  /**
   * Joins the processes that the launcher (`mpiexec`, `srun`) has started. Every one must call this, and `barrier` next, inside of what calls
   * `fail`. Throws a DarError where there is no MPI library, where the launcher is of another MPI, and where the machines cannot reach each other.
   */
  static async join(): Promise<Communicator> {
    const mpi = await initialise()
    const { rank, ranks } = mpi
    refuseOtherLauncher(ranks)
    if (ranks === 1) return new Communicator(mpi, null, 1)
    const host = hostname()
    const alone = new Communicator(mpi, null, 1)
    const numbers = new Float64Array(ranks)
    numbers[rank] = hostNumber(host)
    await alone.sum(numbers)
    const neighbours = numbers.filter((one) => one === numbers[rank]).length
    const meeting = new Uint8Array(MEETING_BYTES)
    if (rank === 0) {
      const token = randomUUID()
      const { centre, port } = await Centre.open(token)
      const together = numbers.every((one) => one === numbers[0])
      write(meeting, { hosts: together ? ['127.0.0.1'] : addressesOf(host), port, token })
      await alone.broadcast(meeting)
      return new Communicator(mpi, centre, neighbours, leaveWord(KILLED))
    }
    await alone.broadcast(meeting)
    const spoke = await Spoke.open(read(meeting), { rank, host })
    return new Communicator(mpi, spoke, neighbours)
  }

  get rank(): number {
    return this.mpi.rank
  }

  get ranks(): number {
    return this.mpi.ranks
  }

  /** The library's name and version. */
  get version(): string {
    return this.mpi.version
  }

  get time(): CommunicationTime {
    return { waiting: this.waiting, moving: this.moving }
  }

  /**
   * Overwrites the values with their sums over all ranks, the same on all, bit for bit. Every rank calls this equally often, with equal
   * lengths, one call after the other. Throws a PeerError when another rank is gone.
   */
  async sum(values: Float32Array | Float64Array): Promise<void> {
    if (values.byteLength <= SMALL_BYTES) return this.wait(() => this.mpi.sum(values))
    await this.wait(() => this.mpi.barrier())
    await this.move(() => this.mpi.sum(values))
  }

  /** Overwrites the values with those of rank 0, in the same manner. */
  async broadcast(values: Uint8Array | Float32Array | Float64Array): Promise<void> {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    if (bytes.length <= SMALL_BYTES) return this.wait(() => this.mpi.broadcast(bytes))
    await this.wait(() => this.mpi.barrier())
    for (let begin = 0; begin < bytes.length; begin += PIECE_BYTES)
      await this.move(() => this.mpi.broadcast(bytes.subarray(begin, begin + PIECE_BYTES)))
  }

  /** Waits until all ranks are here. */
  async barrier(): Promise<void> {
    await this.wait(() => this.mpi.barrier())
  }

  private async wait(begin: () => Transfer): Promise<void> {
    const began = performance.now()
    try {
      const transfer = this.begin(begin)
      while (!this.look(transfer))
        await (performance.now() - began < EAGER_MS ? setImmediate() : setTimeout(1, undefined, { ref: true }))
    } finally {
      this.waiting += (performance.now() - began) / 1000
    }
  }

  private async move(begin: () => Transfer): Promise<void> {
    const began = performance.now()
    try {
      const transfer = this.begin(begin)
      while (!this.look(transfer)) await setImmediate()
    } finally {
      this.moving += (performance.now() - began) / 1000
    }
  }

  private begin(transfer: () => Transfer): Transfer {
    if (this.link?.problem) throw this.link.problem
    return transfer()
  }

  private look(transfer: Transfer): boolean {
    if (this.link?.problem) throw this.link.problem
    return transfer.isDone()
  }

  /** The end of a run that went well: waits for all ranks. */
  async leave(): Promise<void> {
    await this.barrier()
    this.link?.dispose()
    this.mpi.finalise()
    this.lastWord?.withdraw()
  }

  /**
   * The end of a run that failed: tells the others, and ends what is left of them when this process exits. On a rank other than 0 this
   * waits until rank 0 has ended, which may have a checkpoint to write. Returns whether rank 0 reports the same error.
   */
  async fail(error: unknown): Promise<boolean> {
    const message = messageOf(error)
    await this.link?.fail(message)
    this.lastWord?.withdraw()
    process.once('exit', (code) => {
      // MPICH's launcher drops what it has not read of a process that aborts: one message of a hundred.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, READING_MS)
      this.mpi.abort(code === 0 ? 1 : code)
    })
    if (this.rank === 0) return false
    if (error instanceof PeerError) return error.isKnown
    // Rank 0 may have it from itself, from this rank, or from another one that failed alike.
    const problem = this.link?.problem
    return problem?.isKnown === true && problem.message.replace(/^(rank \d+ failed: )+/, '') === message
  }
}

function write(into: Uint8Array, meeting: Meeting): void {
  const bytes = new TextEncoder().encode(JSON.stringify(meeting))
  assert(bytes.length < into.length, 'rank 0 has too many addresses')
  into.set(bytes)
}

function read(from: Uint8Array): Meeting {
  return JSON.parse(new TextDecoder().decode(from.subarray(0, from.indexOf(0)))) as Meeting
}

/** A number that stands for a machine, exact in a float64. */
function hostNumber(host: string): number {
  return createHash('sha256').update(host).digest().readUIntBE(0, 6)
}

/** Where other machines may find this one: its name, then its addresses. */
function addressesOf(host: string): string[] {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  const outside = all.filter(({ internal, family }) => !internal && family === 'IPv4').map(({ address }) => address)
  return [host, ...outside.slice(0, 16)]
}

/** How many processes a launcher says there are. */
const LAUNCHERS = ['PMI_SIZE', 'OMPI_COMM_WORLD_SIZE', 'SLURM_NTASKS'] as const

/** A launcher that does not speak with this library starts n runs of one process instead of one run of n. */
function refuseOtherLauncher(ranks: number): void {
  if (ranks > 1) return
  const name = LAUNCHERS.find((one) => Number(process.env[one]) > 1)
  if (name)
    throw new DarError(
      `the launcher started ${process.env[name]} processes (${name}), but the MPI library sees one: start them with MPICH's own ` +
        'mpiexec (mpiexec.mpich), or srun --mpi=pmi2',
    )
}
