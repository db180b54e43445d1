/**
 * Where the workers of one evaluation wait for each other: nobody computes before everybody has filled its planes. They
 * meet by themselves, without the main thread: waking threads up costs more than the barrier.
 */
const ARRIVED = 0;
const CANCELLED = 1;
/** Only a safeguard against a wake-up that is lost; milliseconds. */
const LOOK_AGAIN_MS = 100;

export class Meeting {
  readonly #state: Int32Array<SharedArrayBuffer>;

  /** @param buffer shared by all who meet */
  constructor(buffer: SharedArrayBuffer) {
    this.#state = new Int32Array(buffer);
  }

  static makeBuffer(): SharedArrayBuffer {
    return new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT);
  }

  /** Before an evaluation, while nobody is there. */
  reset(): void {
    this.#state.fill(0);
  }

  /** Says that one is here and waits until `count` are. Blocks the thread. False when the meeting is cancelled. */
  arrive(count: number): boolean {
    Atomics.add(this.#state, ARRIVED, 1);
    Atomics.notify(this.#state, ARRIVED);
    for (;;) {
      if (Atomics.load(this.#state, CANCELLED) !== 0) return false;
      const arrived = Atomics.load(this.#state, ARRIVED);
      if (arrived >= count) return true;
      Atomics.wait(this.#state, ARRIVED, arrived, LOOK_AGAIN_MS);
    }
  }

  /** Somebody will not come: nobody waits any longer. */
  cancel(): void {
    Atomics.store(this.#state, CANCELLED, 1);
    Atomics.notify(this.#state, ARRIVED);
  }
}
