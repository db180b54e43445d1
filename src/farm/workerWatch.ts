import type { FarmNotice } from './connection.ts';

/** What is watched: the jobs of a submitter. */
interface Watched {
  /** Jobs that are under way. */
  readonly size: number;
  /** Workers that take such jobs now. */
  workers(): Promise<number>;
}

/** Without a result for so long, workers are counted, milliseconds. */
const QUIET_MS = 5000;

/** Says that nobody works: once, and again only when there were results in between. */
export class WorkerWatch {
  readonly #timer: NodeJS.Timeout;
  #isQuiet = false;
  #isTold = false;
  #isStopped = false;

  constructor(watched: Watched, isAway: () => boolean, tell: FarmNotice, sentence: string) {
    const look = async (): Promise<void> => {
      const workers = await watched.workers();
      // Whatever happened while they were counted.
      if (workers > 0 || !this.#isQuiet || this.#isTold || this.#isStopped) return;
      this.#isTold = true;
      tell(sentence);
    };
    this.#timer = setInterval(() => {
      const wasQuiet = this.#isQuiet;
      this.#isQuiet = true;
      if (!wasQuiet || this.#isTold || isAway() || watched.size === 0) return;
      // A Redis that does not tell is told of by its connection.
      look().catch(() => undefined);
    }, QUIET_MS / 2);
  }

  /** A result came. */
  progress(): void {
    this.#isQuiet = false;
    this.#isTold = false;
  }

  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
  }
}
