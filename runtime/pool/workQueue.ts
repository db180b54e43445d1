/**
 * Where the workers of one evaluation take their units and wait for each other, without the main thread: waking it up
 * costs more than most units take.
 */
const NEXT = 0;
const DONE = 1;
const CANCELLED = 2;
const FIELDS = 3;
const CLOSED = -1;
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

  static makeBuffer(): SharedArrayBuffer {
    return new SharedArrayBuffer(FIELDS * Int32Array.BYTES_PER_ELEMENT);
  }

  /** Before an evaluation, while nobody works: units can be taken, but none begins before `open`. */
  reset(): void {
    this.#state.fill(0);
    this.#state[DONE] = CLOSED;
  }

  /** Everything that units read is there. */
  open(): void {
    Atomics.store(this.#state, DONE, 0);
    Atomics.notify(this.#state, DONE);
  }

  /** Number of a unit that nobody else gets. */
  take(): number {
    return Atomics.add(this.#state, NEXT, 1);
  }

  /** Says that a unit is done; wakes those who wait for it. Everything written before is seen by whoever waits. */
  finish(phaseEnd: number): void {
    if (Atomics.add(this.#state, DONE, 1) + 1 === phaseEnd) Atomics.notify(this.#state, DONE);
  }

  /** Waits until `count` units are done. Blocks the thread. False when the work has been cancelled. */
  waitFor(count: number): boolean {
    for (let look = 0; ; look++) {
      if (this.isCancelled) return false;
      const done = Atomics.load(this.#state, DONE);
      if (done >= count) return true;
      if (look >= SPINS_BEFORE_SLEEP) Atomics.wait(this.#state, DONE, done, WAKE_AGAIN_MS);
    }
  }

  get isCancelled(): boolean {
    return Atomics.load(this.#state, CANCELLED) !== 0;
  }

  /** Nobody begins another unit, and nobody waits any longer. */
  cancel(): void {
    Atomics.store(this.#state, CANCELLED, 1);
    // Another value than whoever is about to sleep has seen.
    Atomics.add(this.#state, DONE, 1);
    Atomics.notify(this.#state, DONE);
  }
}
