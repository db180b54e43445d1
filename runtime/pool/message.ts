import { CipherconvError } from '../../compiler/base/errors.ts';
import type { ErrorDetails } from '../../compiler/base/errors.ts';
import type { Plan } from '../../compiler/lowerings/plan.ts';
import type { Part } from '../../compiler/toeplitz/parts.ts';
import type { EvaluatorOptions } from '../evaluator/types.ts';
import type { SharedRoom } from '../evaluator/direct/kernel.ts';
import type { WorkPlan } from './workPlan.ts';

export type PartOptions = Pick<EvaluatorOptions, 'weightMemoryBytes' | 'kernel'>;

/** What a worker computes: a part on its own, or whatever is next of the whole together with the others. */
type WorkerDuty =
  { readonly kind: 'part'; readonly part: Part; readonly options: PartOptions } | { readonly kind: 'shared' };

/** What a worker is started with. */
export interface WorkerSetup {
  readonly plan: Plan;
  readonly duty: WorkerDuty;
}

/** Uploads are copied word by word then, in a fraction of the time. */
export const UPLOAD_ALIGNMENT = 8;

/** What workers of one evaluation share, and where one of them has its own. */
export interface SharedMemory {
  readonly room: SharedRoom;
  /** Of their `WorkQueue`. */
  readonly queue: SharedArrayBuffer;
  readonly work: WorkPlan;
  /** Which of the places this worker has, and how many there are. */
  readonly place: number;
  readonly places: number;
  /** Where ciphertexts stand one after the other, of the lengths that the plan says, each from an aligned address on. */
  readonly uploadAt: number;
  /** Where ciphertexts stand right one after the other. */
  readonly responseAt: number;
}

/** What a worker needs in a `SharedMemory`, and what there is to do. */
export interface Demand {
  /** Bytes of one set of planes, and of everything that is its own. */
  readonly planesBytes: number;
  readonly ownBytes: number;
  /** Of every block group. */
  readonly planes: number;
  readonly pieces: number;
}

/**
 * What goes to a worker. One with a part: nothing (which only makes it ready), or the ciphertexts of its part. One that
 * shares: the question what it needs, then its memory, once; from then on only the word to begin.
 */
export type WorkerTask =
  | { readonly kind: 'warm-up' }
  | { readonly kind: 'evaluate'; readonly upload: Uint8Array[] }
  | { readonly kind: 'measure' }
  | { readonly kind: 'attach'; readonly memory: SharedMemory }
  | { readonly kind: 'work' };

/** What comes back. Errors travel as data: a class does not survive the way between threads. */
export type WorkerReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'demand'; readonly demand: Demand }
  | { readonly kind: 'results'; readonly results: Uint8Array[] }
  /** Nothing is left to take. */
  | { readonly kind: 'computed' }
  | { readonly kind: 'refused'; readonly details: ErrorDetails };

/** A reply of the kind that the task calls for. Throws what the worker refused with. */
export function replyOf<K extends WorkerReply['kind']>(
  reply: WorkerReply,
  kind: K,
): Extract<WorkerReply, { kind: K }> {
  if (reply.kind === 'refused') throw new CipherconvError(reply.details);
  if (reply.kind !== kind) throw new Error(`internal: a worker answered ${reply.kind}, not ${kind}`);
  // The line before has just compared the tags.
  return reply as Extract<WorkerReply, { kind: K }>;
}
