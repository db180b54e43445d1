import { witnessImage } from '../../../compiler/accumulator/exact.ts';
import type { AccumulatorAnalysis } from '../../../compiler/accumulator/exact.ts';
import { outputShape } from '../../../compiler/convolution/shape.ts';
import { decodeResidue } from '../../../compiler/lowering/plan.ts';
import type { Plan } from '../../../compiler/lowerings/plan.ts';
import type { Contribution, ResultProducts } from './contributions.ts';
import { namer } from './matrix.ts';

/** How one output comes about, on the input that drives its channel to the top of its interval. */
export interface ProductPicture {
  /** Flat NCHW index of the output. */
  readonly output: number;
  /** Coefficient or slot where it stands in the result. */
  readonly position: number;
  /** Products of an input by a weight, in the order of the program. */
  readonly steps: readonly ProductStep[];
  /** Steps that are not listed, and what they add together. */
  readonly rest: {
    /** How many. */
    readonly count: number;
    /** Their sum. */
    readonly sum: number;
  };
  /** All steps together: what the encrypted sum is. */
  readonly sum: number;
  /** The same modulo t: what decryption gives. */
  readonly residue: number;
  /** t. */
  readonly plainModulus: number;
  /** Added after decryption, by moving the window. */
  readonly bias: number;
  /** The accumulator that the residue is decoded to. */
  readonly decoded: number;
}

/** One weight times one input. */
interface ProductStep {
  /** Which input ciphertext of the block group. */
  readonly ciphertext: number;
  /** Exponent of X that the weight stands at, or slots that are rotated. */
  readonly shift: number;
  /** The weight without its zero point. */
  readonly weight: number;
  /** Coefficient or slot of the input. */
  readonly position: number;
  /** Whether the product passed X^N (its sign is in the weight), or exchanged the slot rows. */
  readonly wrapped: boolean;
  /** Flat NCHW index of the input. */
  readonly input: number;
  /** [channel, row, column] of the kernel's tap. */
  readonly tap: readonly [channel: number, row: number, column: number];
  /** The input without its zero point. */
  readonly value: number;
  /** Sum of the products so far. */
  readonly sum: number;
}

/** @param mostSteps that are listed */
export function productPicture(
  plan: Plan,
  products: ResultProducts,
  analysis: AccumulatorAnalysis,
  mostSteps: number,
): ProductPicture | null {
  const { spec, windows, parameters } = plan;
  const { channels, height, width } = outputShape(spec);
  const first = products.outputs[0];
  if (first === undefined) return null;
  const channel = Math.floor(first / (height * width)) % channels;
  const [row, column] = analysis.channels[channel]!.highCell;
  const wanted = products.outputs.indexOf((channel * height + row) * width + column);
  const index = Math.max(0, wanted);
  const output = products.outputs[index]!;
  const image = witnessImage(spec, analysis, channel, 'high');
  const name = namer(plan);
  let sum = 0;
  const steps = products.contributions(index).map((contribution): ProductStep => {
    const value = image[contribution.input % image.length]! - spec.input.zeroPoint;
    sum += contribution.value * value;
    return stepOf(contribution, name(contribution, output), value, sum);
  });
  const { plainModulus } = parameters;
  const residue = ((sum % plainModulus) + plainModulus) % plainModulus;
  const listed = steps.slice(0, mostSteps);
  return {
    output,
    position: products.positions[index]!,
    steps: listed,
    rest: { count: steps.length - listed.length, sum: sum - (listed.at(-1)?.sum ?? 0) },
    sum,
    residue,
    plainModulus,
    bias: spec.bias[channel]!,
    decoded: decodeResidue(windows, plainModulus, channel, residue),
  };
}

function stepOf(
  { ciphertext, shift, value: weight, position, wrapped, input }: Contribution,
  { channel, kernelRow, kernelColumn }: ReturnType<ReturnType<typeof namer>>,
  value: number,
  sum: number,
): ProductStep {
  const tap = [channel, kernelRow, kernelColumn] as const;
  return { ciphertext, shift, weight, position, wrapped, input, tap, value, sum };
}
