/**
 * `--distributed mpi`: the processes that a launcher started do one piece of work together. An error that another rank reports is not
 * repeated: the process ends quietly, with the exit code of what is gone.
 */
import { availableParallelism } from 'node:os'
import type { Communicator } from '../mpi/index.ts'
import { EXIT_CODES } from './run.ts'

/** How `--distributed` may be given. */
export const DISTRIBUTED = ['mpi'] as const
export type Distributed = (typeof DISTRIBUTED)[number]

/** Joins the other processes, does the work, and leaves them. Without `how` there are no others. */
export async function inProcesses(
  how: Distributed | undefined,
  work: (processes?: Communicator) => Promise<void>,
): Promise<void> {
  if (how === undefined) return work()
  // Loaded here, so that nobody else needs koffi.
  const { Communicator } = await import('../mpi/index.ts')
  const processes = await Communicator.join()
  try {
    // Another rank may be there, and have failed, before this one sees that all are there.
    await processes.barrier()
    await work(processes)
    await processes.leave()
  } catch (error) {
    const isReported = await processes.fail(error)
    if (!isReported) throw error
    process.exitCode = EXIT_CODES.gone
  }
}

/** Threads of each process: the cores of the machine, shared out. */
export function threadsOf(threads: number | undefined, processes: Communicator | undefined): number | undefined {
  if (!processes) return threads
  return threads ?? Math.max(1, Math.floor(availableParallelism() / processes.neighbours))
}
