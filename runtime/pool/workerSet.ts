/**
 * A fixed number of places for workers, threads or processes. A worker that is lost leaves its place vacant; whoever
 * keeps the set decides when another one takes it.
 */
export class WorkerSet<W extends object> {
  readonly #places: (W | null)[];
  #isClosed = false;

  constructor(places: number) {
    this.#places = new Array<W | null>(places).fill(null);
  }

  /** Places, vacant or not. */
  get size(): number {
    return this.#places.length;
  }

  /** From then on nobody takes a place any more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The workers that are there, in the order of their places. */
  get present(): W[] {
    return this.#places.filter((worker) => worker !== null);
  }

  get vacantPlaces(): number[] {
    return this.#places.flatMap((worker, place) => (worker === null ? [place] : []));
  }

  /** @throws Error when the place is taken, or nobody may come any more. */
  put(place: number, worker: W): void {
    if (this.#isClosed || this.#places[place] !== null)
      throw new Error(`internal: no room at place ${place}`);
    this.#places[place] = worker;
  }

  /** The place that is vacant now; null when this worker had none. */
  remove(worker: W): number | null {
    const place = this.#places.indexOf(worker);
    if (place < 0) return null;
    this.#places[place] = null;
    return place;
  }

  /** Ends all workers that are there; `end` resolves when one is gone. */
  async close(end: (worker: W) => Promise<void>): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.present.map(end));
  }
}
