/** Something that names a job. */
interface Request {
  readonly id: string;
}

/**
 * Who still needs the bytes of a job: several uploads may be the same one. The bytes leave the Redis with the last of them,
 * so that whoever dies before its result is written finds it again.
 */
export class Holders {
  readonly #requests = new Map<string, Set<Request>>();

  add(request: Request): void {
    const requests = this.#requests.get(request.id) ?? new Set();
    this.#requests.set(request.id, requests.add(request));
  }

  /** Nothing where the request is none that was added. */
  remove(request: Request): void {
    const requests = this.#requests.get(request.id);
    requests?.delete(request);
    if (requests?.size === 0) this.#requests.delete(request.id);
  }

  has(id: string): boolean {
    return this.#requests.has(id);
  }
}
