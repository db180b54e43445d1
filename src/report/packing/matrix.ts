import { internalError } from '../../../compiler/base/errors.ts';
import { firstChannelOf, outputShape } from '../../../compiler/convolution/shape.ts';
import { centredWeights } from '../../../compiler/convolution/spec.ts';
import type { Plan } from '../../../compiler/lowerings/plan.ts';
import { centredLift } from '../../../compiler/rings/residues.ts';
import type { Contribution, ResultProducts } from './contributions.ts';

/**
 * A part of the flattened filter matrix B (y = x B) as the program applies it: a column for each output, a row for each
 * input element that one of the columns reads. Rows and columns are counted from 0 here; `inputs` and `outputs` name them.
 */
export interface MatrixPicture {
  /** Flat NCHW index of the input element of each row, ascending. */
  readonly inputs: readonly number[];
  /** Flat NCHW index of the output of each column, in the order of the plan. */
  readonly outputs: readonly number[];
  /** Entries, by tap and weight. */
  readonly taps: readonly MatrixTap[];
  /** Entries in all. */
  readonly entries: number;
  /** What there is more of than is shown. */
  readonly cut: {
    /** Outputs of this result ciphertext. */
    readonly outputsOfResult: number;
    /** Outputs of the whole convolution. */
    readonly outputsInAll: number;
    /** Most inputs that an output sums; those past the shown channels are left out. */
    readonly tapsPerOutput: number;
    /** How many input channels of an output are shown. */
    readonly channelsShown: number;
    /** Input channels that an output sums over. */
    readonly channels: number;
  };
}

/** The entries of one weight. */
export interface MatrixTap {
  /** Output channel. */
  readonly output: number;
  /** Input channel, counted over all groups. */
  readonly channel: number;
  /** Row of the kernel. */
  readonly kernelRow: number;
  /** Column of the kernel. */
  readonly kernelColumn: number;
  /** The weight without its zero point, modulo t around 0: what the program multiplies by. */
  readonly value: number;
  /** [column, row] of the first entry, then [columns, rows] from one to the next, then how many. */
  readonly runs: readonly MatrixRun[];
}

/** Entries along a diagonal. */
type MatrixRun = readonly [column: number, row: number, rowStep: number, length: number];

interface Entry extends Contribution {
  readonly column: number;
  readonly channel: number;
  readonly kernelRow: number;
  readonly kernelColumn: number;
  readonly outputChannel: number;
}

/** @param budget entries that may be kept; a whole output and a whole input channel are kept anyway */
export function matrixPicture(plan: Plan, products: ResultProducts, budget: number): MatrixPicture {
  const { spec } = plan;
  const { channelsPerGroup, kernelHeight, kernelWidth } = spec.weights;
  const window = kernelHeight * kernelWidth;
  const channelsShown = Math.min(channelsPerGroup, Math.max(1, Math.floor(64 / window)));
  const name = namer(plan);
  const entries: Entry[] = [];
  const outputs: number[] = [];
  let tapsPerOutput = 0;
  for (let index = 0; index < products.outputs.length; index++) {
    const output = products.outputs[index]!;
    const all = products.contributions(index);
    const found = all
      .map((contribution) => ({ ...contribution, ...name(contribution, output), column: outputs.length }))
      .filter((entry) => entry.channel - firstChannelOf(spec, entry.outputChannel) < channelsShown);
    if (outputs.length > 0 && entries.length + found.length > budget) break;
    tapsPerOutput = Math.max(tapsPerOutput, all.length);
    outputs.push(output);
    entries.push(...found);
  }
  const inputs = [...new Set(entries.map(({ input }) => input))].sort((left, right) => left - right);
  const { batch, channels, height, width } = outputShape(spec);
  return {
    inputs,
    outputs,
    taps: tapsOf(entries, inputs),
    entries: entries.length,
    cut: {
      outputsOfResult: products.outputs.length,
      outputsInAll: batch * channels * height * width,
      tapsPerOutput,
      channelsShown,
      channels: channelsPerGroup,
    },
  };
}

/**
 * Says which tap of the kernel an entry of the program is, and that the weights say the same of it.
 * @throws CipherconvError `internal` where they do not: nothing that is wrong is ever drawn.
 */
export function namer({
  spec,
  parameters,
}: Pick<Plan, 'spec' | 'parameters'>): (
  entry: Pick<Contribution, 'input' | 'value'>,
  output: number,
) => Pick<Entry, 'channel' | 'kernelRow' | 'kernelColumn' | 'outputChannel'> {
  const { input, weights, strides, pads, dilations } = spec;
  const out = outputShape(spec);
  const centred = centredWeights(weights);
  return (entry, output) => {
    const [i, j] = [Math.floor(output / out.width) % out.height, output % out.width];
    const outputChannel = Math.floor(output / (out.width * out.height)) % out.channels;
    const [y, x] = [Math.floor(entry.input / input.width) % input.height, entry.input % input.width];
    const channel = Math.floor(entry.input / (input.width * input.height)) % input.channels;
    const kernelRow = (y - i * strides[0] + pads[0]) / dilations[0];
    const kernelColumn = (x - j * strides[1] + pads[1]) / dilations[1];
    const inGroup = channel - firstChannelOf(spec, outputChannel);
    const weight =
      centred[
        ((outputChannel * weights.channelsPerGroup + inGroup) * weights.kernelHeight + kernelRow) *
          weights.kernelWidth +
          kernelColumn
      ];
    if (weight === undefined || centredLift(weight, parameters.plainModulus) !== entry.value)
      throw internalError('an entry of the program is not the weight of its tap');
    return { channel, kernelRow, kernelColumn, outputChannel };
  };
}

function tapsOf(entries: readonly Entry[], inputs: readonly number[]): MatrixTap[] {
  const rowOf = new Map(inputs.map((input, row) => [input, row]));
  const byTap = new Map<string, Entry[]>();
  for (const entry of entries) {
    const key = [entry.outputChannel, entry.channel, entry.kernelRow, entry.kernelColumn, entry.value].join();
    const list = byTap.get(key);
    if (list === undefined) byTap.set(key, [entry]);
    else list.push(entry);
  }
  return [...byTap.values()].map((list) => {
    const { outputChannel, channel, kernelRow, kernelColumn, value } = list[0]!;
    return {
      output: outputChannel,
      channel,
      kernelRow,
      kernelColumn,
      value,
      runs: diagonals(list.map(({ column, input }) => [column, rowOf.get(input) ?? 0])),
    };
  });
}

/** Cells, ascending by column, as runs of neighbouring columns with the same step between their rows. */
function diagonals(cells: readonly (readonly [column: number, row: number])[]): MatrixRun[] {
  const runs: { column: number; row: number; rowStep: number; length: number }[] = [];
  for (const [column, row] of cells) {
    const last = runs.at(-1);
    const continues = last !== undefined && column === last.column + last.length;
    if (continues && last.length === 1) {
      last.rowStep = row - last.row;
      last.length = 2;
    } else if (continues && row === last.row + last.length * last.rowStep) last.length++;
    else runs.push({ column, row, rowStep: 0, length: 1 });
  }
  return runs.map(({ column, row, rowStep, length }) => [column, row, rowStep, length]);
}
