import type { ErrorDetails } from '../../../compiler/base/errors.ts';
import type { Part } from '../../../compiler/toeplitz/parts.ts';

/** What the server and its workers say to each other, as heads of frames. */

/** First frame to a worker; its body is the plans as a JSON array of plan files. */
export interface Setup {
  readonly kind: 'setup';
  /** What the worker may take, bytes of resident memory. */
  readonly memoryBytes: number;
}

/** A request to evaluate; the body is the upload message, then the evaluation keys message (if any). */
export interface Job {
  readonly kind: 'evaluate';
  readonly digest: string;
  /** Which part of the plan; null: all of it. */
  readonly part: Part | null;
  readonly keysBytes: number;
}

/** Why a worker must not be used again. `seal`: SEAL threw or trapped; `memory`: it asked for more than it may have. */
export type FailureReason = 'seal' | 'memory' | 'internal';

export type Reply =
  | { readonly kind: 'ready' }
  /** The worker cannot serve these plans at all. */
  | { readonly kind: 'unfit'; readonly details: ErrorDetails }
  /** The body is the response message. */
  | { readonly kind: 'done' }
  /** Our own checks refused the bytes; the worker is as good as before. */
  | { readonly kind: 'refused'; readonly details: ErrorDetails }
  /** The worker is finished. */
  | { readonly kind: 'failed'; readonly reason: FailureReason; readonly text: string };

const REPLY_KINDS: readonly string[] = [
  'ready',
  'unfit',
  'done',
  'refused',
  'failed',
] satisfies Reply['kind'][];

/** The head of a frame from a worker; null when it is none that a sane worker sends. */
export function asReply(head: unknown): Reply | null {
  if (typeof head !== 'object' || head === null || !('kind' in head)) return null;
  return typeof head.kind === 'string' && REPLY_KINDS.includes(head.kind) ? (head as Reply) : null;
}
