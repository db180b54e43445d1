/**
 * Encryptions of zero made ahead of time, before the image is there: encrypting is mostly sampling. Each is handed out
 * once and forgotten; reusing one would give away the difference of two images.
 */
export class ZeroPool {
  readonly #make: () => Uint8Array;
  readonly #ready: Uint8Array[] = [];

  /** @param make a fresh encryption of zero: SEAL's seeded envelope, owned by whoever takes it */
  constructor(make: () => Uint8Array) {
    this.#make = make;
  }

  /** How many are ready. */
  get size(): number {
    return this.#ready.length;
  }

  /** Makes `count` more. */
  fill(count: number): void {
    for (let index = 0; index < count; index++) this.#ready.push(this.#make());
  }

  /** One that nobody has had before, made now when none is ready. It is gone from the pool before it is used. */
  take(): Uint8Array {
    return this.#ready.pop() ?? this.#make();
  }

  /** Overwrites and forgets what is left. */
  destroy(): void {
    for (const zero of this.#ready) zero.fill(0);
    this.#ready.length = 0;
  }
}
