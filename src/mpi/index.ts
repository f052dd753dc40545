/** The MPI room: the processes of one run, over MPICH's library. No C of our own: koffi calls it. */
export { type CommunicationTime, Communicator } from './communicator.ts'
export { PeerError } from './link.ts'
