/**
 * The BATCH room: many photos. A pool of workers over the cores that share the weights in memory, shards for array jobs, a manifest by which a
 * second run does only what is left, and fleets of machines that take shards from a NATS JetStream.
 */
export { BATCH_KINDS, type BatchKind, type BatchOptions, parseBatchKinds } from './batch-options.ts'
export { connectFleet, type FleetConnection, type FleetOptions, parseFleetUrl } from './fleet/connection.ts'
export type { ShardMessage, ShardRecord } from './fleet/messages.ts'
export { type FleetStatus, fleetStatus } from './fleet/status.ts'
export { LEASE, SHARD_SIZE, type Submission, type Submitted, submit } from './fleet/submit.ts'
export { type WorkOptions, work } from './fleet/work.ts'
export { type ManifestEntry, type OutputFile, readManifests } from './manifest.ts'
export { type PhotoList, readPhotos } from './photo-list.ts'
export { ModelPool, type PoolOptions, type RunOptions } from './pool.ts'
export { type BatchRun, type BatchStart, runBatch } from './run-batch.ts'
export { type Environment, isInShard, parseShard, type Shard, shardLabel } from './shard.ts'
