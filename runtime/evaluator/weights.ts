import type { BfvContext } from '../seal/context.ts';
import type { Plaintext, PublicSeal, SealEvaluator } from '../seal/module.ts';
import { PlaintextWriter } from '../seal/plaintext.ts';
import type { SealScope } from '../seal/scope.ts';
import type { RingPlaintext, ToeplitzProgram } from '../../compiler/toeplitz/program.ts';
import { uploadIndex } from './transfer.ts';
import type { CheckedTransfer } from './transfer.ts';

/** Where the transformed weights are. `bytes` is what all of them take (or would take) in NTT form. */
export type Weights =
  | {
      /** Every transformed weight stays in memory. */
      readonly kind: 'resident';
      /** Weight polynomials. */
      readonly count: number;
      /** Bytes that they take. */
      readonly bytes: number;
    }
  | {
      /** Weights are transformed at each use. */
      readonly kind: 'on-the-fly';
      /** Weight polynomials. */
      readonly count: number;
      /** Bytes that they would take. */
      readonly bytes: number;
    };

/** What weights keep of the memory, bytes. */
export function residentBytes({ kind, bytes }: Weights): number {
  return kind === 'resident' ? bytes : 0;
}

/** One product of a row: which of the group's loaded inputs, and which plaintext. */
export interface Step {
  readonly input: number;
  readonly plaintext: number;
}

/** The rows that have terms, chunks replaced by their position among the used ones. */
export function buildSteps(program: ToeplitzProgram, transfer: CheckedTransfer): Step[][] {
  return transfer.rows.map((row) =>
    program.rows[row]!.map(({ chunk, plaintext }) => ({
      input: uploadIndex(transfer, 0, chunk),
      plaintext,
    })),
  );
}

/**
 * How many block groups go through the matrix together. With resident weights one: memory stays at one group's
 * inputs. Weights made on the fly are made once per batch, so a batch is as large as the memory that the weights
 * leave free; with all groups in one batch each is made once per evaluation.
 */
export function groupsPerBatch(
  weights: Weights,
  memoryBytes: number,
  groupBytes: number,
  groups: number,
): number {
  if (weights.kind === 'resident') return 1;
  return Math.min(groups, Math.max(1, Math.floor(memoryBytes / groupBytes)));
}

export interface WeightSource {
  readonly weights: Weights;
  /** Plaintext number `index` in NTT form, valid until the next call. */
  weight(index: number): Plaintext;
}

interface WeightOptions {
  readonly memoryBytes: number;
  readonly onProgress: ((done: number, total: number) => void) | null;
}

/** What makes plaintexts and keeps them. */
interface SealTools {
  readonly scope: SealScope;
  readonly seal: PublicSeal;
  readonly context: BfvContext;
  readonly evaluator: SealEvaluator;
}

const WORD_BYTES = 8;

/** Puts the coefficients of plaintext number `index` that are not 0 into the writer, residues in [0, t). */
export type WritePlaintext = (index: number, writer: PlaintextWriter) => void;

/** Writes plaintext number `index` into `target` in NTT form. */
type Transform = (index: number, target: Plaintext) => void;

/**
 * Always in NTT form: outside it, SEAL's `multiplyPlain` skips the centred lift for a plaintext with a single
 * coefficient, and the noise of a negative weight w grows by t - |w| instead of |w|.
 */
function makeTransform({ seal, context, evaluator }: SealTools, write: WritePlaintext): Transform {
  const writer = new PlaintextWriter(seal, context);
  return (index, target) => {
    writer.clear();
    write(index, writer);
    writer.load(target);
    evaluator.plainTransformToNttInplace(target, context.firstParmsId);
  };
}

/** The weights of a toeplitz program; see `preparePlaintexts`. */
export function prepareWeights(
  tools: SealTools,
  polynomials: readonly RingPlaintext[],
  options: WeightOptions,
): WeightSource {
  const write: WritePlaintext = (index, writer) => {
    const { exponents, values } = polynomials[index]!;
    for (let entry = 0; entry < values.length; entry++) {
      const value = values[entry]!;
      writer.put(exponents[entry]!, value < 0 ? value + tools.context.plainModulus : value);
    }
  };
  return preparePlaintexts(tools, polynomials.length, write, options);
}

/** Transforms the plaintexts now and keeps them, or, past the memory allowed, one at a time when asked for. */
export function preparePlaintexts(
  tools: SealTools,
  count: number,
  write: WritePlaintext,
  options: WeightOptions,
): WeightSource {
  const { scope, seal, context } = tools;
  const transform = makeTransform(tools, write);
  const bytes = count * context.degree * context.dataPrimeCount * WORD_BYTES;
  if (bytes > options.memoryBytes) {
    const scratch = scope.own(new seal.Plaintext());
    const weight = (index: number): Plaintext => {
      transform(index, scratch);
      return scratch;
    };
    return { weights: { kind: 'on-the-fly', count, bytes }, weight };
  }
  const resident = Array.from({ length: count }, (_, index) => {
    const plaintext = scope.own(new seal.Plaintext());
    transform(index, plaintext);
    options.onProgress?.(index + 1, count);
    return plaintext;
  });
  return { weights: { kind: 'resident', count, bytes }, weight: (index) => resident[index]! };
}
