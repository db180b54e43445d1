import type { Steps } from '../../compiler/base/steps.ts';
import { limbsFor } from '../../compiler/rings/digits.ts';
import { transformsAreFaster } from '../../compiler/toeplitz/hintWay.ts';
import type { ToeplitzPlan } from '../../compiler/toeplitz/plan.ts';
import type { ToeplitzProgram } from '../../compiler/toeplitz/program.ts';
import { modulusLanes } from '../ring/lanePrimes.ts';
import type { RingModule } from '../ring/module.ts';
import { hasRowProducts, RowProducts } from '../ring/rowProducts.ts';
import { hintCode, hintRowBytes } from '../wire/hint.ts';
import { Packer } from '../wire/packer.ts';
import type { PackingModule } from '../wire/packer.ts';
import { rowShape } from './rowShape.ts';
import { uploadIndex } from './transfer.ts';
import type { CheckedTransfer } from './transfer.ts';

/** What a hint is computed from, by either way. */
export interface HintWork {
  readonly plan: ToeplitzPlan;
  readonly program: ToeplitzProgram;
  readonly transfer: CheckedTransfer;
  /** Draws public polynomial number `index`: 64-bit words in halves, prime by prime, valid until the next. */
  readonly draw: (index: number) => Uint32Array;
  /** Told the rows that are done. */
  readonly onRows: (done: number) => void;
}

/** Whether the hint is best computed by transforms: whether they hold its sums and weights, and take less time. */
export function prefersTransforms(work: HintWork): boolean {
  const shape = rowShape(work.plan.parameters, work.program);
  if (!hasRowProducts(shape)) return false;
  const { degree, primes, rowL1 } = shape;
  const { plaintexts } = work.program;
  const taps = plaintexts.reduce((sum, { values }) => sum + values.length, 0);
  let lanes = 0;
  let limbs = 0;
  for (const prime of primes) {
    lanes += modulusLanes(degree, prime, rowL1).lanes.length;
    limbs += limbsFor(prime).limbs;
  }
  const inputs = work.transfer.position.size;
  return transformsAreFaster({ degree, inputs, products: plaintexts.length, taps, lanes, limbs });
}

/** The rows back to back, by transforms. */
export function* transformedRows(
  { ring, packing }: { readonly ring: RingModule; readonly packing: PackingModule },
  work: HintWork,
): Steps<Uint8Array<ArrayBuffer>> {
  const { plan, program, transfer } = work;
  const { parameters } = plan;
  const products = new RowProducts(ring, rowShape(parameters, program), {
    inputs: transfer.position.size,
    // Most are used once: each is transformed where it is used.
    polynomials: 1,
    sums: 1,
  });
  for (const input of transfer.position.values()) {
    products.words.set(work.draw(input));
    products.keepInput(input);
    yield;
  }
  const code = hintCode(parameters);
  const packer = new Packer(packing, { degree: parameters.degree, components: code.codes.length });
  const rowBytes = hintRowBytes(parameters);
  const bytes = new Uint8Array(transfer.rows.length * rowBytes);
  for (const [index, row] of transfer.rows.entries()) {
    products.clear(0);
    for (const { chunk, plaintext } of program.rows[row]!) {
      products.keepPolynomial(0, program.plaintexts[plaintext]!);
      products.add(0, uploadIndex(transfer, 0, chunk), 0);
    }
    products.finish(0);
    packer.words.set(products.words);
    packer.write(bytes, index * rowBytes, code, 0, null);
    work.onRows(index + 1);
    yield;
  }
  return bytes;
}
