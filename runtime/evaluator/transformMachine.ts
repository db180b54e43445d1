import type { RingPlaintext, ToeplitzProgram } from '../../compiler/toeplitz/program.ts';
import { wireOf } from '../../compiler/toeplitz/plan.ts';
import type { ToeplitzPlan } from '../../compiler/toeplitz/plan.ts';
import type { RingModule } from '../ring/module.ts';
import { RowProducts } from '../ring/rowProducts.ts';
import { ResponseWriter } from '../wire/ciphertexts.ts';
import type { CodingClock } from '../wire/codingClock.ts';
import type { PackingModule } from '../wire/packer.ts';
import { UploadReader } from '../wire/uploads.ts';
import { rowShape } from './rowShape.ts';
import { checkTransfer } from './transfer.ts';
import type { EvaluatorOptions, Progress } from './types.ts';
import { transformRoom } from './transformRoom.ts';
import { listBytes, polynomialListBytes } from './prepared.ts';
import { buildSteps } from './weights.ts';
import type { Step, Weights } from './weights.ts';

/** The modules that it runs on. */
export interface TransformEngines {
  readonly packing: PackingModule;
  readonly ring: RingModule;
}

/** What of a block group travels: the coefficients of each used input that are read, and of each result that leave. */
interface Travelling {
  readonly read: readonly Int32Array[];
  readonly outputs: readonly Int32Array[];
}

/** All that an evaluator by transforms has in memory, and the work on it. */
export class TransformMachine {
  readonly weights: Weights;
  /** Bytes of everything: the memory of the products, the packers, and the lists of the program that are kept. */
  readonly preparedBytes: number;
  readonly uploads: number;
  readonly #clock: CodingClock;
  readonly #reader: UploadReader;
  readonly #writer: ResponseWriter;
  readonly #products: RowProducts;
  readonly #groups: readonly Travelling[];
  readonly #rows: readonly (readonly Step[])[];
  /** Inputs of a block group. */
  readonly #used: number;
  /** What is transformed at each use; null where it is kept. */
  readonly #polynomials: readonly RingPlaintext[] | null;
  /** Block groups that go through the matrix together. */
  readonly #batch: number;
  readonly #onProgress: Progress | null;

  constructor(
    { packing, ring }: TransformEngines,
    plan: ToeplitzPlan,
    program: ToeplitzProgram,
    options: EvaluatorOptions,
    clock: CodingClock,
  ) {
    const { parameters, transfer } = plan;
    const { plaintexts } = program;
    this.#clock = clock;
    this.#onProgress = options.onProgress ?? null;
    this.#reader = new UploadReader(packing, parameters, wireOf(plan));
    this.#writer = new ResponseWriter(packing, parameters, wireOf(plan));
    const checked = checkTransfer(plan, program);
    this.#rows = buildSteps(program, checked);
    this.#used = transfer.usedChunks.length;
    // Nothing else of the program is kept.
    this.#groups = program.blockGroups.map(({ inputs, outputs }) => ({
      read: transfer.usedChunks.map((chunk) => inputs[chunk]!.read),
      outputs: checked.rows.map((row) => outputs[row]!.coefficients),
    }));
    this.uploads = this.#groups.length * this.#used;
    const shape = rowShape(parameters, program);
    const lists = listBytes(
      this.#rows,
      this.#groups.flatMap(({ read, outputs }) => [...read, ...outputs]),
    );
    const otherBytes = this.#reader.memoryBytes + this.#writer.memoryBytes + lists;
    const count = plaintexts.length;
    const sizes = { polynomials: count, inputs: this.#used, groups: this.#groups.length, otherBytes };
    const { weights, batch, room } = transformRoom(shape, sizes, options);
    this.weights = weights;
    this.#batch = batch;
    this.#products = new RowProducts(ring, shape, room);
    const isKept = weights.kind === 'resident';
    this.#polynomials = isKept ? null : plaintexts;
    const polynomials = isKept ? 0 : polynomialListBytes(plaintexts);
    this.preparedBytes = this.#products.byteLength + otherBytes + polynomials;
    if (!isKept) return;
    plaintexts.forEach((polynomial, index) => {
      this.#products.keepPolynomial(index, polynomial);
      this.#onProgress?.(index + 1, count);
    });
  }

  /** @param upload as many as `uploads` */
  evaluate(upload: readonly Uint8Array[]): Uint8Array[] {
    const groups = this.#groups.length;
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
    return 2 * (group * this.#used + index);
  }

  /** Transforms the inputs of one block group of the batch that begins with `first`. */
  #load(upload: readonly Uint8Array[], first: number, group: number): void {
    const { words } = this.#products;
    this.#groups[first + group]!.read.forEach((read, index) => {
      const at = (first + group) * this.#used + index;
      const both = this.#clock.time('upload', () => {
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
      this.#onProgress?.(done, this.#groups.length * productsPerGroup);
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
    if (this.#polynomials === null) return plaintext;
    this.#products.keepPolynomial(0, this.#polynomials[plaintext]!);
    return 0;
  }

  #pack(group: number, placement: number, row: number): Uint8Array {
    const { words } = this.#writer;
    for (const polynomial of [0, 1]) {
      this.#products.finish(2 * group + polynomial);
      words.set(this.#products.words, polynomial * this.#products.words.length);
    }
    return this.#clock.time('response', () => this.#writer.pack(this.#groups[placement]!.outputs[row]!));
  }
}
