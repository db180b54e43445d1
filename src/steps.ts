import { finish } from '../compiler/base/steps.ts';
import type { Steps } from '../compiler/base/steps.ts';
import { longWork } from '../runtime/longWork.ts';

/** Milliseconds of steps between two turns of the event loop: a single longer step makes the turn later. */
const SLICE_MS = 10;

/** Does the work at once, or throws the signal's reason at the first step after it aborts. */
export function finishUnless<T>(signal: AbortSignal | undefined, steps: Steps<T>): T {
  signal?.throwIfAborted();
  return longWork(() => finish(steps, () => signal?.throwIfAborted()));
}

/** The same with turns of the event loop in between, so that what aborts the signal may happen in this thread. */
export async function finishInTurns<T>(signal: AbortSignal | undefined, steps: Steps<T>): Promise<T> {
  for (;;) {
    signal?.throwIfAborted();
    const step = longWork(() => slice(steps));
    if (step.done === true) return step.value;
    await turn();
  }
}

/** Lets whatever else waits go on, as soon as the platform can: browsers have no setImmediate. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    if ('setImmediate' in globalThis) setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}

function slice<T>(steps: Steps<T>): IteratorResult<undefined, T> {
  const end = performance.now() + SLICE_MS;
  let step = steps.next();
  while (step.done !== true && performance.now() < end) step = steps.next();
  return step;
}
