import { createContext, Script } from 'node:vm';
import { runLongWorkWith } from '../../runtime/longWork.ts';
import { exitCode } from './exitCode.ts';
import { removeTemporaryFiles } from './temporary.ts';

/** Ends the process at an interrupt (SIGINT): no half-written file stays behind. */
function endNow(): void {
  removeTemporaryFiles();
  process.exit(exitCode({ kind: 'interrupted' }));
}

let onInterrupt: () => void = endNow;

/**
 * From now on an interrupt ends the process, also in the middle of long synchronous work, until a command takes it over.
 * The listener stays for good: where the last one is removed, Node forgets a signal that has come but was not yet told.
 */
export function endAtInterrupt(): void {
  process.on('SIGINT', () => {
    onInterrupt();
  });
  runLongWorkWith(interruptible);
}

/** What is imported late, once an interrupt that came while it loaded would have been told. */
export async function late<T>(loading: Promise<T>): Promise<T> {
  const loaded = await loading;
  await interruptsTold();
  return loaded;
}

/** Resolves when an interrupt that has come by now would have been told: the event loop has been round. */
export async function interruptsTold(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** For a command that ends in an orderly way by itself: the first interrupt calls `end`, the next one ends at once. */
export function takeInterrupt(end: () => void): void {
  onInterrupt = () => {
    onInterrupt = endNow;
    end();
  };
}

/** Made at the first use: most commands have no long work. */
let frame: ((work: () => void) => void) | null = null;
let isInside = false;

/**
 * Signals are told between two turns of the event loop, so synchronous work would hear of them at its end only. Node stops
 * a script that was started with `breakOnSigint` at once, and whatever the script called, WebAssembly too.
 */
function interruptible(work: () => void): void {
  if (isInside) {
    work();
    return;
  }
  frame ??= createFrame();
  isInside = true;
  try {
    frame(work);
  } catch (error) {
    if (isInterruption(error)) onInterrupt();
    throw error;
  } finally {
    isInside = false;
  }
}

function createFrame(): (work: () => void) => void {
  const context = createContext({ work: null });
  const script = new Script('work()');
  return (work) => {
    context['work'] = work;
    // displayErrors would write into the stacks of the errors that pass through.
    script.runInContext(context, { breakOnSigint: true, displayErrors: false });
  };
}

/** No instance of Error: it comes from the frame's own realm. */
function isInterruption(error: unknown): boolean {
  return (
    typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    error.code === 'ERR_SCRIPT_EXECUTION_INTERRUPTED'
  );
}
