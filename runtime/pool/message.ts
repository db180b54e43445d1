import { CipherconvError } from '../../compiler/errors.ts';
import type { ErrorDetails } from '../../compiler/errors.ts';
import type { Plan } from '../../compiler/plan.ts';
import type { Part } from '../../compiler/programParts.ts';
import type { EvaluatorOptions } from '../evaluatorTypes.ts';
import type { SharedRoom } from '../kernels/directKernel.ts';
import type { NamedBytes } from '../directMachine.ts';

/** Which share of a plan one of several workers has that fill and read the same planes. */
export interface Share {
  readonly index: number;
  readonly count: number;
}

/** What a worker computes: a part on its own, or its share of the whole together with the others. */
export type Seating =
  { readonly kind: 'part'; readonly part: Part } | { readonly kind: 'shared'; readonly share: Share };

/** What a worker is started with. */
export interface WorkerSetup {
  readonly plan: Plan;
  readonly seating: Seating;
  readonly options: Pick<EvaluatorOptions, 'weightMemoryBytes' | 'kernel'>;
}

/**
 * What goes to a worker. One with a part: nothing (which only makes it ready), or the ciphertexts of its part. One with a
 * share: the question how much memory it takes, then, block group by block group, the ciphertexts of its planes; it fills
 * them, meets the others, and computes its rows.
 */
export type WorkerTask =
  | { readonly kind: 'warm-up' }
  | { readonly kind: 'evaluate'; readonly upload: Uint8Array[] }
  | { readonly kind: 'measure' }
  | {
      readonly kind: 'share';
      readonly room: SharedRoom;
      /** Of the `Meeting` of all workers. */
      readonly meeting: SharedArrayBuffer;
      readonly group: number;
      readonly upload: readonly NamedBytes[];
    };

/** What comes back. Errors travel as data: a class does not survive the way between threads. */
export type WorkerReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'bytes'; readonly planes: number; readonly own: number }
  | { readonly kind: 'results'; readonly results: Uint8Array[] }
  /** Another worker has failed, and says why. */
  | { readonly kind: 'abandoned' }
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
