import { CipherconvError } from '../../compiler/errors.ts';
import type { ErrorDetails } from '../../compiler/errors.ts';
import type { Plan } from '../../compiler/plan.ts';
import type { Part } from '../../compiler/programParts.ts';
import type { EvaluatorOptions } from '../evaluatorTypes.ts';

/** What a worker is started with. */
export interface WorkerSetup {
  readonly plan: Plan;
  readonly part: Part;
  readonly options: Pick<EvaluatorOptions, 'weightMemoryBytes' | 'kernel'>;
}

/** What goes to a worker: the ciphertexts of its part, or nothing, which only makes it ready. */
export type WorkerTask =
  { readonly kind: 'warm-up' } | { readonly kind: 'evaluate'; readonly upload: Uint8Array[] };

/** What comes back. Errors travel as data: a class does not survive the way between threads. */
export type WorkerReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'results'; readonly results: Uint8Array[] }
  | { readonly kind: 'refused'; readonly details: ErrorDetails };

/** The results of a reply. Throws what the worker refused with. */
export function resultsOf(reply: WorkerReply): Uint8Array[] {
  switch (reply.kind) {
    case 'results':
      return reply.results;
    case 'ready':
      return [];
    case 'refused':
      throw new CipherconvError(reply.details);
    default:
      return reply satisfies never;
  }
}
