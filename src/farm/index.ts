/**
 * `cipherconv/farm`: batches of uploads on many machines, over BullMQ and Redis, in Node. Nothing here can hold a secret
 * key: no module that it reaches makes, reads or keeps one (dependency-cruiser checks it). The packages bullmq and ioredis
 * are installed beside this one and loaded by `createFarm`.
 */

export { CipherconvError } from '../../compiler/base/errors.ts';
export type { ErrorCode, ErrorDetails } from '../../compiler/base/errors.ts';
export { parseClientPlan } from '../frontend/clientPlan.ts';
export type { ClientPlan } from '../frontend/clientPlan.ts';
export { parsePlan } from '../frontend/planFile.ts';
export type { StoredPlan } from '../frontend/planFile.ts';
export { createFarm } from './farm.ts';
export type { Farm, FarmOptions, FarmWorker, SubmitOptions, WorkOptions } from './farm.ts';
export type { FailureReason } from './job.ts';
export type { Split } from './pieces.ts';
export type { FailedJob, FarmStatus, PlanStatus, RedisMemory } from './status.ts';
export type { FarmInput, FarmResult } from './submit.ts';
export type { WorkerEvent } from './worker.ts';
