import { CipherconvError } from '../../compiler/base/errors.ts';
import { quoted } from '../frontend/onnx/refusal.ts';
import type { AffineTensor } from './affine.ts';
import type { NamedNode } from './refusal.ts';

/**
 * Numbers of constants and weights at their places that an import may read and write, over all its nodes: twice what a
 * network may have in the end, since neighbouring layers become one. It bounds memory and time before either is spent.
 */
export const MOST_WRITTEN = 2 ** 24;

/** Counts what an import writes, and refuses before it is too much. */
export class ImportWork {
  /** Of the model, for messages. */
  readonly file: string;
  #written = 0;

  constructor(file: string) {
    this.file = file;
  }

  /**
   * Called before a node is worked on.
   * @param entries numbers that it reads, or weights at their places that it writes at most
   * @throws CipherconvError `unsupported`
   */
  take({ op, name }: NamedNode, entries: number): void {
    this.#written += entries;
    if (this.#written <= MOST_WRITTEN) return;
    throw new CipherconvError({
      code: 'unsupported',
      where: `${this.file}: ${op} ${quoted(name)}`,
      message: 'not supported yet: a network so large in one round',
      expected: `at most ${MOST_WRITTEN} numbers of constants and weights at their places, up to this node`,
      found: String(this.#written),
      hint: 'smaller inputs, larger strides, fewer filters or outputs; or --mode hybrid, which has no such bound',
    });
  }
}

/** Weights at their places of a tensor, one at least for every element. */
export function entriesOf({ rows }: AffineTensor): number {
  return rows.reduce((sum, { columns }) => sum + Math.max(1, columns.length), 0);
}

/** Those of its longest element. */
export function longestOf({ rows }: AffineTensor): number {
  return rows.reduce((most, { columns }) => Math.max(most, columns.length), 1);
}
