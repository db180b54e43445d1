import type { Piscina } from 'piscina';

type Threads = Pick<Piscina, 'on' | 'threads' | 'destroy'>;

const ending = new WeakMap<Threads, Promise<void>>();

/**
 * Ends the threads of a pool of piscina, whoever asks and however often: a second `destroy` beside the first makes piscina
 * forget that it is ending, and it starts a thread in the place of each that exits then, which nobody ends.
 */
export function endThreads(pool: Threads): Promise<void> {
  const known = ending.get(pool);
  if (known !== undefined) return known;
  // Known before `destroy`, which tells listeners of threads that end, and they may ask again.
  let tell = (): void => undefined;
  const ended = new Promise<void>((resolve) => {
    tell = resolve;
  });
  ending.set(pool, ended);
  const end = (): void => {
    ending.delete(pool);
    tell();
  };
  void pool.destroy().then(end, end);
  return ended;
}

/**
 * Takes the errors that are nobody's, which would end the process where nobody listens: piscina emits one for a reply that
 * was under way when its thread was stopped (an abort, the end of a pool), and for a thread that is lost while it has nothing to do.
 * Where no thread could be started again nobody would ever take what waits: that fails then.
 */
export function takeLateReplies(pool: Threads): void {
  pool.on('error', () => {
    if (pool.threads.length === 0) void endThreads(pool);
  });
}
