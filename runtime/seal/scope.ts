import { disposedError, internalError } from '../../compiler/base/errors.ts';

/**
 * Objects of node-seal live on the WASM heap, which no garbage collector sees. Every handle belongs to one scope, the
 * scope deletes it exactly once, and `liveSealObjects` lets tests count what is left.
 */

/** What every embind handle has. */
export interface SealHandle {
  delete(): void;
}

let live = 0;

/** Handles that some scope owns and has not deleted yet, over the whole process. */
export function liveSealObjects(): number {
  return live;
}

export class SealScope {
  readonly #handles: SealHandle[] = [];
  #disposed = false;

  /** Takes `handle` over and returns it. Also for handles that getters return: those are copies of their own. */
  own<T extends SealHandle>(handle: T): T {
    if (this.#disposed) {
      handle.delete();
      throw internalError('a SEAL object was made in a scope that is already disposed');
    }
    this.#handles.push(handle);
    live++;
    return handle;
  }

  /**
   * @param owner what the user holds: a client, an evaluator
   * @throws CipherconvError `usage` once the scope is disposed: what it owned must not be used any more.
   */
  assertOpen(owner: string): void {
    if (this.#disposed) throw disposedError(owner);
  }

  /** Deletes everything, last made first. A second call does nothing. */
  dispose(): void {
    this.#disposed = true;
    for (let handle = this.#handles.pop(); handle !== undefined; handle = this.#handles.pop()) {
      live--;
      handle.delete();
    }
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Runs `use` with a scope that is disposed at the end, also after a throw. */
export function withScope<T>(use: (scope: SealScope) => T): T {
  const scope = new SealScope();
  try {
    return use(scope);
  } finally {
    scope.dispose();
  }
}

/** Builds something that keeps the scope and disposes it later itself; disposed here only when `build` throws. */
export function buildWithScope<T>(build: (scope: SealScope) => T): T {
  const scope = new SealScope();
  try {
    return build(scope);
  } catch (error) {
    scope.dispose();
    throw error;
  }
}
