/** A thread that computes hints, one after the other: a plan comes in, the message of its hint goes out. */
import { move, transferableSymbol, valueSymbol } from 'piscina';
import { CipherconvError } from '../../compiler/base/errors.ts';
import type { ErrorDetails } from '../../compiler/base/errors.ts';
import type { StoredPlan } from '../frontend/planFile.ts';
import { hintMessage } from './hintMessage.ts';

/** What comes back. Errors travel as data: a class does not survive the way between threads. */
export type HintReply =
  | { readonly kind: 'computed'; readonly message: Uint8Array<ArrayBuffer>; readonly ms: number }
  | { readonly kind: 'refused'; readonly details: ErrorDetails };

/** The message moves instead of being copied. */
export default async function work(stored: StoredPlan): Promise<unknown> {
  try {
    const began = performance.now();
    const message = await hintMessage(stored);
    const ms = performance.now() - began;
    return move({
      get [transferableSymbol]() {
        return [message.buffer];
      },
      get [valueSymbol]() {
        return { kind: 'computed', message, ms } satisfies HintReply;
      },
    });
  } catch (error) {
    if (!(error instanceof CipherconvError)) throw error;
    return { kind: 'refused', details: error.details } satisfies HintReply;
  }
}
