import type { Piscina } from 'piscina';

/**
 * Takes the errors that are nobody's, which would end the process where nobody listens: piscina emits one for a reply that
 * was under way when its thread was stopped (an abort, the end of a pool), and for a thread that is lost while it has nothing to do.
 * Where no thread could be started again nobody would ever take what waits: that fails then.
 */
export function takeLateReplies(pool: Pick<Piscina, 'on' | 'threads' | 'destroy'>): void {
  pool.on('error', () => {
    if (pool.threads.length === 0) void pool.destroy();
  });
}
