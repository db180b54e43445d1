/**
 * Where the workers of one evaluation take their units and wait for each other, without the main thread: waking it up
 * costs more than most units take.
 */
const ALL_DONE = 0;
const CANCELLED = 1;
/** Of every block group, from here on: whether its uploads are there, the next unit, and how many are done. */
const GROUPS = 2;
const OPENED = 0;
const NEXT = 1;
const DONE = 2;
const FIELDS_PER_GROUP = 3;
/** Looks before a thread goes to sleep: the others are nearly done, and to be woken takes as long as this. */
const SPINS_BEFORE_SLEEP = 20_000;
/** Only a safeguard against a wake-up that is lost; milliseconds. */
const WAKE_AGAIN_MS = 100;

export class WorkQueue {
  readonly #state: Int32Array<SharedArrayBuffer>;

  /** @param buffer shared by all who work */
  constructor(buffer: SharedArrayBuffer) {
    this.#state = new Int32Array(buffer);
  }

  static makeBuffer(groups: number): SharedArrayBuffer {
    return new SharedArrayBuffer((GROUPS + groups * FIELDS_PER_GROUP) * Int32Array.BYTES_PER_ELEMENT);
  }

  /** Before an evaluation, while nobody works: no unit begins before its block group is opened. */
  reset(): void {
    this.#state.fill(0);
  }

  /** Everything that units of a block group read is there. */
  open(group: number): void {
    const opened = at(group, OPENED);
    Atomics.store(this.#state, opened, 1);
    Atomics.notify(this.#state, opened);
  }

  /** Waits until a block group is open. Blocks the thread. False when the work has been cancelled. */
  waitUntilOpen(group: number): boolean {
    return this.#waitFor(at(group, OPENED), 1);
  }

  /** Number of a unit of a block group that nobody else gets. */
  take(group: number): number {
    return Atomics.add(this.#state, at(group, NEXT), 1);
  }

  /**
   * Says that a unit of a block group is done. Everything written before is seen by whoever waits for it.
   * @param awaited counts of units of the group that a worker may wait for
   * @param all units of the evaluation: the last one wakes up who waits for its end
   */
  finish(group: number, awaited: readonly number[], all: number): void {
    const done = at(group, DONE);
    if (awaited.includes(Atomics.add(this.#state, done, 1) + 1)) Atomics.notify(this.#state, done);
    if (Atomics.add(this.#state, ALL_DONE, 1) + 1 === all) Atomics.notify(this.#state, ALL_DONE);
  }

  /** Waits until `count` units of a block group are done. Blocks the thread. False when the work has been cancelled. */
  waitFor(group: number, count: number): boolean {
    return this.#waitFor(at(group, DONE), count);
  }

  #waitFor(field: number, count: number): boolean {
    for (let look = 0; ; look++) {
      const found = Atomics.load(this.#state, field);
      if (this.isCancelled) return false;
      if (found >= count) return true;
      if (look >= SPINS_BEFORE_SLEEP) Atomics.wait(this.#state, field, found, WAKE_AGAIN_MS);
    }
  }

  /**
   * Waits for the last of all units of the evaluation without blocking the thread: their workers' replies come later, one
   * after the other. Resolves to false when the work has been cancelled.
   */
  async untilAllDone(all: number): Promise<boolean> {
    for (;;) {
      const found = Atomics.load(this.#state, ALL_DONE);
      // Only now: cancelling counts on.
      if (this.isCancelled) return false;
      if (found >= all) return true;
      const { async, value } = Atomics.waitAsync(this.#state, ALL_DONE, found);
      if (async) await value;
    }
  }

  get isCancelled(): boolean {
    return Atomics.load(this.#state, CANCELLED) !== 0;
  }

  /** Nobody begins another unit, and nobody waits any longer. */
  cancel(): void {
    Atomics.store(this.#state, CANCELLED, 1);
    this.#state.forEach((_, field) => {
      if (field === CANCELLED) return;
      // Another value than whoever is about to sleep has seen.
      Atomics.add(this.#state, field, 1);
      Atomics.notify(this.#state, field);
    });
  }
}

function at(group: number, field: number): number {
  return GROUPS + group * FIELDS_PER_GROUP + field;
}
