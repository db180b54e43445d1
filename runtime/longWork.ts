/**
 * Work that may keep the thread for seconds runs through here, so that a program can make it interruptible (the command
 * line does, see src/cli/interrupt.ts). Without such a program it is just called.
 */

/** Calls `work`, or never returns. */
export type LongWorkRunner = (work: () => void) => void;

let run: LongWorkRunner = (work) => {
  work();
};

/** For the program's start: how all long work of this thread is called from now on. */
export function runLongWorkWith(runner: LongWorkRunner): void {
  run = runner;
}

/** The result of `work`; of an async function, only what it does before its first await is covered. */
export function longWork<T>(work: () => T): T {
  const results: T[] = [];
  run(() => {
    results.push(work());
  });
  return results[0]!;
}
