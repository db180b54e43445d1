/** Evaluation keys that a worker has fetched and checked, the least used thrown away first. */
export class KeyCache {
  readonly #limitBytes: number;
  readonly #keys = new Map<string, Uint8Array>();
  #bytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get(id: string): Uint8Array | null {
    const message = this.#keys.get(id);
    if (message === undefined) return null;
    // A Map keeps the order in which entries came: the last used stands last.
    this.#keys.delete(id);
    this.#keys.set(id, message);
    return message;
  }

  /** Keeps keys; larger ones than all that may be kept are not. */
  add(id: string, message: Uint8Array): void {
    if (this.#keys.has(id) || message.length > this.#limitBytes) return;
    this.#keys.set(id, message);
    this.#bytes += message.length;
    for (const [oldest, { length }] of this.#keys) {
      if (this.#bytes <= this.#limitBytes) return;
      this.#keys.delete(oldest);
      this.#bytes -= length;
    }
  }
}
