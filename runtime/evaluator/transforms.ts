import type { BlockGroup } from '../../compiler/toeplitz/placement.ts';
import { wireOf } from '../../compiler/toeplitz/plan.ts';
import type { ToeplitzPlan } from '../../compiler/toeplitz/plan.ts';
import type { ToeplitzProgram } from '../../compiler/toeplitz/program.ts';
import { disposedError } from '../../compiler/base/errors.ts';
import type { RingModule } from '../ring/module.ts';
import { hasRowProducts, RowProducts, rowProductsBytes } from '../ring/rowProducts.ts';
import { requireCiphertextCount } from '../seal/ciphertext.ts';
import { ResponseWriter } from '../wire/ciphertexts.ts';
import { CodingClock } from '../wire/codingClock.ts';
import { requireKeyBytes } from '../wire/evaluationKeys.ts';
import type { PackingModule } from '../wire/packer.ts';
import { UploadReader } from '../wire/uploads.ts';
import { rowShape } from './rowShape.ts';
import { checkTransfer } from './transfer.ts';
import { DEFAULT_WEIGHT_MEMORY_BYTES } from './types.ts';
import type { Evaluator, EvaluatorOptions, Progress } from './types.ts';
import { buildSteps, groupsPerBatch } from './weights.ts';
import type { Step, Weights } from './weights.ts';

/** What one WebAssembly memory, of at most 4 GiB, may hold of weights or of inputs. */
const MOST_BYTES = 2 ** 30;

/** Whether the sums of a program fit the lanes, and each of its weights too. */
export function fitsTransforms({ parameters }: ToeplitzPlan, program: ToeplitzProgram): boolean {
  return hasRowProducts(rowShape(parameters, program));
}

/** The modules that it runs on. */
export interface TransformEngines {
  readonly packing: PackingModule;
  readonly ring: RingModule;
}

/**
 * Evaluates plans of the `ntt` kernel by transforms of our own, without SEAL: word for word what SEAL's evaluator gives, whose
 * transforms modulo primes above 31 bits take several times as long.
 */
export class TransformEvaluator implements Evaluator {
  readonly weights: Weights;
  readonly preparedBytes: number;
  readonly coding = new CodingClock();
  readonly #reader: UploadReader;
  readonly #writer: ResponseWriter;
  readonly #products: RowProducts;
  readonly #program: ToeplitzProgram;
  readonly #placements: readonly BlockGroup[];
  readonly #usedChunks: readonly number[];
  /** Number of each row that has terms, for its placement. */
  readonly #rowNumbers: readonly number[];
  readonly #rows: readonly (readonly Step[])[];
  /** Block groups that go through the matrix together. */
  readonly #batch: number;
  readonly #onProgress: Progress | null;
  #isDisposed = false;

  constructor(
    { packing, ring }: TransformEngines,
    plan: ToeplitzPlan,
    program: ToeplitzProgram,
    options: EvaluatorOptions,
  ) {
    this.#onProgress = options.onProgress ?? null;
    this.#reader = new UploadReader(packing, plan.parameters, wireOf(plan));
    this.#writer = new ResponseWriter(packing, plan.parameters, wireOf(plan));
    this.#program = program;
    this.#placements = program.blockGroups;
    this.#usedChunks = plan.transfer.usedChunks;
    const transfer = checkTransfer(plan, program);
    this.#rowNumbers = transfer.rows;
    this.#rows = buildSteps(program, transfer);
    const shape = rowShape(plan.parameters, program);
    const each = rowProductsBytes(shape);
    const memoryBytes = Math.min(MOST_BYTES, options.weightMemoryBytes ?? DEFAULT_WEIGHT_MEMORY_BYTES);
    const count = program.plaintexts.length;
    const bytes = count * each.polynomials;
    this.weights = { kind: bytes > memoryBytes ? 'on-the-fly' : 'resident', count, bytes };
    const groupBytes = 2 * (this.#usedChunks.length * each.inputs + each.sums);
    this.#batch = groupsPerBatch(this.weights, memoryBytes, groupBytes, this.#placements.length);
    const room = {
      inputs: 2 * this.#batch * this.#usedChunks.length,
      polynomials: this.weights.kind === 'resident' ? count : 1,
      sums: 2 * this.#batch,
    };
    this.#products = new RowProducts(ring, shape, room);
    this.preparedBytes = this.#products.byteLength;
    if (this.weights.kind === 'on-the-fly') return;
    program.plaintexts.forEach((polynomial, index) => {
      this.#products.keepPolynomial(index, polynomial);
      this.#onProgress?.(index + 1, count);
    });
  }

  loadEvaluationKeys(bytes: Uint8Array): void {
    this.#assertOpen();
    requireKeyBytes(0, bytes);
  }

  evaluate(upload: readonly Uint8Array[]): Uint8Array[] {
    this.#assertOpen();
    const groups = this.#placements.length;
    requireCiphertextCount('upload', groups * this.#usedChunks.length, upload.length);
    const results = new Array<Uint8Array>(groups * this.#rows.length);
    for (let first = 0; first < groups; first += this.#batch) {
      const count = Math.min(this.#batch, groups - first);
      for (let group = 0; group < count; group++) this.#load(upload, first, group);
      this.#runBatch(first, count, results);
    }
    return results;
  }

  /** Number of an input among those that are kept: c0 of a ciphertext, and after it its c1. */
  #input(group: number, index: number): number {
    return 2 * (group * this.#usedChunks.length + index);
  }

  /** Transforms the inputs of one block group of the batch that begins with `first`. */
  #load(upload: readonly Uint8Array[], first: number, group: number): void {
    const { words } = this.#products;
    this.#usedChunks.forEach((chunk, index) => {
      const at = (first + group) * this.#usedChunks.length + index;
      const { read } = this.#placements[first + group]!.inputs[chunk]!;
      const both = this.coding.time('upload', () => {
        this.#reader.unpack(upload[at]!, read, `upload[${at}]`);
        return this.#reader.words();
      });
      for (const polynomial of [0, 1]) {
        words.set(both.subarray(polynomial * words.length, (polynomial + 1) * words.length));
        this.#products.keepInput(this.#input(group, index) + polynomial);
      }
    });
  }

  #runBatch(first: number, count: number, results: Uint8Array[]): void {
    const productsPerGroup = this.#rows.reduce((sum, steps) => sum + steps.length, 0);
    let done = first * productsPerGroup;
    this.#rows.forEach((steps, row) => {
      this.#runRow(steps, count);
      for (let group = 0; group < count; group++)
        results[(first + group) * this.#rows.length + row] = this.#pack(group, first + group, row);
      done += steps.length * count;
      this.#onProgress?.(done, this.#placements.length * productsPerGroup);
    });
  }

  /** Sums of c0 and c1 of a row, for `count` groups. */
  #runRow(steps: readonly Step[], count: number): void {
    const products = this.#products;
    for (let sum = 0; sum < 2 * count; sum++) products.clear(sum);
    for (const { input, plaintext } of steps) {
      const polynomial = this.#weight(plaintext);
      for (let group = 0; group < count; group++) {
        const from = this.#input(group, input);
        products.add(2 * group, from, polynomial);
        products.add(2 * group + 1, from + 1, polynomial);
      }
    }
  }

  /** Where a polynomial of weights is kept, for the time being at least. */
  #weight(plaintext: number): number {
    if (this.weights.kind === 'resident') return plaintext;
    this.#products.keepPolynomial(0, this.#program.plaintexts[plaintext]!);
    return 0;
  }

  #pack(group: number, placement: number, row: number): Uint8Array {
    const { coefficients } = this.#placements[placement]!.outputs[this.#rowNumbers[row]!]!;
    const { words } = this.#writer;
    for (const polynomial of [0, 1]) {
      this.#products.finish(2 * group + polynomial);
      words.set(this.#products.words, polynomial * this.#products.words.length);
    }
    return this.coding.time('response', () => this.#writer.pack(coefficients));
  }

  #assertOpen(): void {
    if (this.#isDisposed) throw disposedError('evaluator');
  }

  dispose(): void {
    this.#isDisposed = true;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
