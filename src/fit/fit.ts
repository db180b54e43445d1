import { CipherconvError } from '../../compiler/base/errors.ts';
import type { NetworkProof, StageProof } from '../../compiler/network/prove.ts';
import { greatestCommonDivisor } from '../../compiler/rings/primes.ts';
import type { Interval } from '../../compiler/base/interval.ts';
import type { Squares } from './activation.ts';
import type { Augmentation } from './augment.ts';
import { evaluate } from './evaluate.ts';
import type { Evaluation } from './evaluate.ts';
import { chosen, holdOut } from './examples.ts';
import type { Examples } from './examples.ts';
import { exportModel } from './exportModel.ts';
import type { IntegerNetwork } from './integerNetwork.ts';
import type { ParsedArchitecture } from './parseArchitecture.ts';
import { proveTrained } from './prove.ts';
import { hasOddForm, oddForm } from './oddForm.ts';
import { makeRandom } from './random.ts';
import { recipeOf } from './recipe.ts';
import type { Stage } from './stages.ts';
import { train } from './trainer.ts';
import type { Epoch } from './trainer.ts';

/** How to train. */
export interface FitOptions {
  /** Width that every score is held to: at most 2^bits values, proved. */
  readonly accumulatorBits: number;
  /** The same seed, data and architecture give the same network. Default 1. */
  readonly seed?: number;
  /** Passes over the examples. Default 40. */
  readonly epochs?: number;
  /** What happens to pictures on their way into training. Default `affine`. */
  readonly augmentation?: Augmentation;
  /** How values are squared. Default: `odd`, where the architecture has such a form. */
  readonly squares?: Squares;
  /** Pictures that are not trained on; or the share of the examples, drawn at random, that is held out. Default 0.1. */
  readonly validation?: Examples | number;
  /** Told of every pass. */
  readonly onEpoch?: (epoch: Epoch, epochs: number) => void;
  /** Told how far it is. */
  readonly onProgress?: (step: string, done: number, total: number) => void;
}

/** Values of one layer: certain over all inputs, and as they came on the held-out pictures. Bits: log2 of how many values that are. */
export interface FittedLayer {
  readonly name: string;
  /** All values differ by multiples of it, which is proved too. */
  readonly step: number;
  readonly weights: { readonly count: number; readonly nonZero: number; readonly largest: number };
  readonly proved: Interval & { readonly bits: number };
  readonly seen: Interval & { readonly bits: number };
}

/** Right answers. */
export interface Accuracy {
  readonly right: number;
  readonly of: number;
}

/** What came of training. */
export interface FitReport {
  readonly name: string;
  readonly accumulatorBits: number;
  readonly seed: number;
  readonly squares: Squares;
  readonly epochs: number;
  readonly layers: readonly FittedLayer[];
  /** The scores together; bits of the widest one, which is what a modulus has to hold. */
  readonly logits: {
    readonly lo: number;
    readonly hi: number;
    readonly provedBits: number;
    readonly seenBits: number;
  };
  /** In exact integers: on pictures that were trained on (at most 10,000 of them), and on the held-out ones. */
  readonly accuracy: { readonly training: Accuracy; readonly validation: Accuracy };
  /** CPU seconds of training. */
  readonly trainingSeconds: number;
}

/** A trained network with its report and its ONNX model. */
export interface Fitted {
  readonly network: IntegerNetwork;
  readonly report: FitReport;
  readonly model: Uint8Array;
}

const DEFAULTS = { seed: 1, epochs: 40, augmentation: 'affine', validation: 0.1 } as const;
const BATCH = 100;
/** Training pictures that the report's accuracy is taken on. */
const TRAINING_SAMPLE = 10_000;

/**
 * Trains a network to a width of its scores that is proved at the end, over all inputs, in exact integers.
 * @throws CipherconvError `out-of-range` where the width leaves no room for weights or the examples are too few, `unsupported`
 *   for what takes too much memory, `overflow` if the proof fails.
 */
export async function fit(
  { architecture, stages }: ParsedArchitecture,
  examples: Examples,
  options: FitOptions,
): Promise<Fitted> {
  const { seed, epochs, augmentation, validation, accumulatorBits } = { ...DEFAULTS, ...options };
  const squares = squaresFor(stages, options.squares);
  const random = makeRandom(seed);
  requireExamples(examples);
  const { rest, held } =
    typeof validation === 'number'
      ? holdOut(examples, validation, random)
      : { rest: examples, held: validation };
  const recipe = recipeOf(stages, architecture.input.levels, accumulatorBits, squares);
  const progress = options.onProgress ?? (() => undefined);
  const before = process.cpuUsage();
  const trained = await train(
    {
      architecture,
      stages,
      recipe,
      examples: rest,
      bits: accumulatorBits,
      epochs,
      batch: BATCH,
      augmentation,
      squares,
    },
    random,
    {
      onStep: (done, total) => {
        progress('training', done, total);
      },
      onEpoch: (epoch) => {
        options.onEpoch?.(epoch, epochs);
      },
    },
  );
  const used = process.cpuUsage(before);
  const { name, input } = architecture;
  const trainedLayers = squares === 'odd' ? oddForm(trained.integers()) : trained.integers();
  const network: IntegerNetwork = { name, input, layers: trainedLayers };
  const proof = proveTrained(network);
  requireWidth(proof, accumulatorBits);
  const sample = chosen(rest, random.order(rest.labels.length).subarray(0, TRAINING_SAMPLE));
  const training = await evaluate(network, sample, (done, total) => {
    progress('checking on training pictures', done, total);
  });
  const found = await evaluate(network, held, (done, total) => {
    progress('checking on held-out pictures', done, total);
  });
  const report: FitReport = {
    name,
    accumulatorBits,
    seed,
    epochs,
    squares,
    ...figures(network, proof, found),
    accuracy: { training: accuracyOf(training), validation: accuracyOf(found) },
    trainingSeconds: (used.user + used.system) / 1e6,
  };
  return { network, report, model: exportModel(network) };
}

function squaresFor(stages: readonly Stage[], asked: Squares | undefined): Squares {
  const has = hasOddForm(stages);
  if (asked !== 'odd' || has) return asked ?? (has ? 'odd' : 'plain');
  throw new CipherconvError({
    code: 'unsupported',
    where: 'squares',
    message: 'odd values need a value in every place, and padding behind a square is 0',
    expected: 'pads only in the first layer',
    hint: 'leave out the pads of the later convolutions, or train with plain squares',
  });
}

function requireExamples({ labels }: Examples): void {
  if (labels.length >= 2) return;
  throw new CipherconvError({
    code: 'out-of-range',
    where: 'the data',
    message: 'too few pictures to train on and to check with',
    expected: 'at least 2, rather thousands',
    found: String(labels.length),
  });
}

/** @throws CipherconvError `overflow` where the proof exceeds what was declared */
export function requireWidth({ width, bits: proved }: NetworkProof, bits: number): void {
  if (width <= 2n ** BigInt(bits)) return;
  throw new CipherconvError({
    code: 'overflow',
    where: 'the scores',
    message: `the proof exceeds the declared ${bits} bits`,
    expected: `at most ${2 ** bits} values a score`,
    found: `${width} values, ${proved.toFixed(2)} bits`,
    hint: 'train with another --seed or with more --accumulator-bits; nothing is written',
  });
}

function accuracyOf({ right, of }: Evaluation): Accuracy {
  return { right, of };
}

/** What all values of a layer have in common: they differ by multiples of it. */
function stepOf({ values }: StageProof): bigint {
  const first = values[0]?.residue ?? 0n;
  const step = values.reduce(
    (common, { modulus, residue }) =>
      greatestCommonDivisor(
        greatestCommonDivisor(common, modulus),
        residue > first ? residue - first : first - residue,
      ),
    0n,
  );
  return step === 0n ? 1n : step;
}

function figures(
  { layers }: IntegerNetwork,
  proof: NetworkProof,
  { seen }: Evaluation,
): Pick<FitReport, 'layers' | 'logits'> {
  const fitted = layers.map(({ weights }, index): FittedLayer => {
    const stage = proof.stages[index]!;
    const came = seen[index]!;
    const step = stepOf(stage);
    const proved = { lo: Number(stage.lo), hi: Number(stage.hi) };
    const within = (interval: Interval): number => Math.log2((interval.hi - interval.lo) / Number(step) + 1);
    return {
      name: stage.name,
      step: Number(step),
      weights: {
        count: weights.length,
        nonZero: weights.reduce((count, weight) => count + (weight === 0 ? 0 : 1), 0),
        largest: weights.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0),
      },
      proved: { ...proved, bits: within(proved) },
      seen: { ...came, bits: within(came) },
    };
  });
  const { proved, seen: came } = fitted[fitted.length - 1]!;
  return {
    layers: fitted,
    logits: { lo: proved.lo, hi: proved.hi, provedBits: proof.bits, seenBits: came.bits },
  };
}
