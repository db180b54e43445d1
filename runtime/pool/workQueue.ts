/**
 * Where the workers of one evaluation take their units and wait for each other, without the main thread: waking it up
 * costs more than most units take.
 */
const OPENED = 0;
const CANCELLED = 1;
/** Of every block group, from here on: the next unit, and how many are done. */
const GROUPS = 2;
const NEXT = 0;
const DONE = 1;
const FIELDS_PER_GROUP = 2;
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

  /** Before an evaluation, while nobody works: units can be taken, but none begins before `open`. */
  reset(): void {
    this.#state.fill(0);
  }

  /** Everything that units read is there. */
  open(): void {
    Atomics.store(this.#state, OPENED, 1);
    Atomics.notify(this.#state, OPENED);
  }

  /** Waits until the work is open. Blocks the thread. False when it has been cancelled. */
  waitUntilOpen(): boolean {
    return this.#waitFor(OPENED, 1);
  }

  /** Number of a unit of a block group that nobody else gets. */
  take(group: number): number {
    return Atomics.add(this.#state, at(group, NEXT), 1);
  }

  /**
   * Says that a unit of a block group is done. Everything written before is seen by whoever waits for it.
   * @param awaited counts of units that somebody may wait for
   */
  finish(group: number, awaited: readonly number[]): void {
    const done = at(group, DONE);
    if (awaited.includes(Atomics.add(this.#state, done, 1) + 1)) Atomics.notify(this.#state, done);
  }

  /** Waits until `count` units of a block group are done. Blocks the thread. False when the work has been cancelled. */
  waitFor(group: number, count: number): boolean {
    return this.#waitFor(at(group, DONE), count);
  }

  #waitFor(field: number, count: number): boolean {
    for (let look = 0; ; look++) {
      if (this.isCancelled) return false;
      const found = Atomics.load(this.#state, field);
      if (found >= count) return true;
      if (look >= SPINS_BEFORE_SLEEP) Atomics.wait(this.#state, field, found, WAKE_AGAIN_MS);
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
