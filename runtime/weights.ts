import type { RingPlaintext } from '../compiler/program.ts';
import type { BfvContext } from './seal/context.ts';
import type { Plaintext, Seal, SealEvaluator } from './seal/module.ts';
import { PlaintextWriter } from './seal/plaintext.ts';
import type { SealScope } from './seal/scope.ts';

/** Where the transformed weights are. `bytes` is what all of them take (or would take) in NTT form. */
export type Weights =
  | { readonly kind: 'resident'; readonly count: number; readonly bytes: number }
  | { readonly kind: 'on-the-fly'; readonly count: number; readonly bytes: number };

export interface WeightSource {
  readonly weights: Weights;
  /** Plaintext number `index` in NTT form, valid until the next call. */
  weight(index: number): Plaintext;
}

interface WeightOptions {
  readonly memoryBytes: number;
  readonly onProgress: ((done: number, total: number) => void) | null;
}

const WORD_BYTES = 8;

/** Writes `polynomial` into `target` in NTT form. */
type Transform = (polynomial: RingPlaintext, target: Plaintext) => void;

/**
 * Always in NTT form: outside it, SEAL's `multiplyPlain` skips the centred lift for a plaintext with a single
 * coefficient, and the noise of a negative weight w grows by t - |w| instead of |w|.
 */
function makeTransform(seal: Seal, context: BfvContext, evaluator: SealEvaluator): Transform {
  const writer = new PlaintextWriter(seal, context);
  return ({ exponents, values }, target) => {
    writer.clear();
    for (let index = 0; index < values.length; index++) {
      const value = values[index]!;
      writer.put(exponents[index]!, value < 0 ? value + context.plainModulus : value);
    }
    writer.load(target);
    evaluator.plainTransformToNttInplace(target, context.firstParmsId);
  };
}

/** Transforms the polynomials now and keeps them, or, past the memory allowed, one at a time when asked for. */
export function prepareWeights(
  scope: SealScope,
  seal: Seal,
  context: BfvContext,
  evaluator: SealEvaluator,
  polynomials: readonly RingPlaintext[],
  options: WeightOptions,
): WeightSource {
  const transform = makeTransform(seal, context, evaluator);
  const count = polynomials.length;
  const bytes = count * context.degree * context.dataPrimeCount * WORD_BYTES;
  if (bytes > options.memoryBytes) {
    const scratch = scope.own(new seal.Plaintext());
    const weight = (index: number): Plaintext => {
      transform(polynomials[index]!, scratch);
      return scratch;
    };
    return { weights: { kind: 'on-the-fly', count, bytes }, weight };
  }
  const resident = polynomials.map((polynomial, index) => {
    const plaintext = scope.own(new seal.Plaintext());
    transform(polynomial, plaintext);
    options.onProgress?.(index + 1, count);
    return plaintext;
  });
  return { weights: { kind: 'resident', count, bytes }, weight: (index) => resident[index]! };
}
