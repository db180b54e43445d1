/** A thread that computes hints, one after the other: what a plan says before its hint comes in, the hint goes out. */
import { move, transferableSymbol, valueSymbol } from 'piscina';
import { CipherconvError } from '../compiler/base/errors.ts';
import type { ErrorDetails } from '../compiler/base/errors.ts';
import type { PlanHint } from './frontend/planDigest.ts';
import type { PlanCore } from './frontend/planFile.ts';
import { computeHint } from './hint.ts';

/** What comes back. Errors travel as data: a class does not survive the way between threads. */
export type HintReply =
  | {
      readonly kind: 'computed';
      readonly hint: Uint8Array<ArrayBuffer>;
      readonly described: PlanHint;
      readonly ms: number;
    }
  | { readonly kind: 'refused'; readonly details: ErrorDetails };

/** The hint moves instead of being copied. */
export default async function work(core: PlanCore): Promise<unknown> {
  try {
    const began = performance.now();
    const { plan, hint } = await computeHint(core);
    if (plan.hint === null) throw new Error('internal: a hint that its plan does not have');
    const reply = { kind: 'computed', hint, described: plan.hint, ms: performance.now() - began } as const;
    return move({
      get [transferableSymbol]() {
        return [hint.buffer];
      },
      get [valueSymbol]() {
        return reply satisfies HintReply;
      },
    });
  } catch (error) {
    if (!(error instanceof CipherconvError)) throw error;
    return { kind: 'refused', details: error.details } satisfies HintReply;
  }
}
