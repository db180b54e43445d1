import { finish } from '../base/steps.ts';
import type { Steps } from '../base/steps.ts';
import { outputShape } from '../convolution/shape.ts';
import { centredWeights } from '../convolution/spec.ts';
import type { ConvSpec } from '../convolution/spec.ts';
import { elementCount } from '../base/tensor.ts';
import { outputCells } from './verifyOutputs.ts';
import type { OutputCells } from './verifyOutputs.ts';
import { reject } from '../base/reject.ts';
import { SourceTable } from './verifySources.ts';
import type { SourceTap } from './verifySources.ts';
import { centredLift } from '../rings/residues.ts';
import type { ToeplitzProgram } from './program.ts';

/**
 * Compares the matrix that a program applies with the flattened filter matrix: for every output cell, nothing missing
 * and nothing extra, modulo t; each output exactly once. It reads the program's polynomials and placements, never the
 * packing.
 *
 * A product puts input coefficient n - exponent, modulo N with its sign, into output coefficient n. What an exponent
 * means does not depend on the weights. So it is found once for every chunk, exponent and place of an output in the
 * product: the sources of all cells of all block groups are looked up, and the exponent is one kernel tap of one channel
 * or touches nothing. Then every row's (exponent, value) list adds up to the weights that the row applies.
 *
 * @throws CipherconvError `plan-rejected`
 */
export function verifyMatrix(spec: ConvSpec, program: ToeplitzProgram): void {
  finish(matrixProof(spec, program));
}

/** The same in steps. */
export function* matrixProof(spec: ConvSpec, program: ToeplitzProgram): Steps<void> {
  checkPlaintexts(program);
  yield;
  checkInputs(spec, program);
  yield;
  const cells = yield* outputCells(spec, program);
  const applied = yield* appliedWeights(spec, program, cells);
  compareWeights(spec, program, applied);
}

/** No ciphertext has used the coefficient yet. */
const UNUSED = -1;

function checkPlaintexts(program: ToeplitzProgram): void {
  program.plaintexts.forEach(({ exponents, values }, index) => {
    const where = `program.plaintexts[${index}]`;
    if (exponents.length !== values.length)
      reject(where, 'exponents and values differ in number', String(exponents.length), String(values.length));
    exponents.forEach((exponent, entry) => {
      if (exponent < 0 || exponent >= program.degree || (entry > 0 && exponent <= exponents[entry - 1]!)) {
        reject(
          where,
          'exponents are not ascending below N',
          `ascending, below ${program.degree}`,
          String(exponent),
        );
      }
    });
    if (values.some((value) => centredLift(value, program.plainModulus) === 0))
      reject(where, 'a value is 0 modulo t', 'values not 0', '0');
  });
}

/** Every coefficient in range and used once, every element an element of the input. */
function checkInputs(spec: ConvSpec, program: ToeplitzProgram): void {
  const { batch, channels, height, width } = spec.input;
  const elements = elementCount([batch, channels, height, width]);
  const usedBy = new Int32Array(program.degree).fill(UNUSED);
  let ciphertext = 0;
  for (const group of program.blockGroups) {
    for (const placement of group.inputs) {
      placement.coefficients.forEach((coefficient, index) => {
        const element = placement.elements[index]!;
        const fits = coefficient >= 0 && coefficient < program.degree && element >= 0 && element < elements;
        if (!fits || usedBy[coefficient] === ciphertext) {
          reject(
            `input ciphertext ${ciphertext}`,
            'a coefficient is out of range or used twice',
            'a free coefficient',
            String(coefficient),
          );
        }
        usedBy[coefficient] = ciphertext;
      });
      ciphertext++;
    }
  }
}

/** An exponent is looked up for all cells of an output: for so many, that alone is a step. */
const MANY_CELLS = 4096;

/** Weights that the program applies, laid out as `WeightSpec.values`, modulo t. */
function* appliedWeights(
  spec: ConvSpec,
  program: ToeplitzProgram,
  cells: readonly OutputCells[],
): Steps<Float64Array> {
  const { outChannels, channelsPerGroup, kernelHeight, kernelWidth } = spec.weights;
  const applied = new Float64Array(outChannels * channelsPerGroup * kernelHeight * kernelWidth);
  const looksAreLong = cells.some(({ groups }) => groups.length > MANY_CELLS);
  for (const [chunk, terms] of termsByChunk(program)) {
    const sources = new SourceTable(spec, program, chunk, cells);
    for (const { row, plaintext } of terms) {
      const weights = program.plaintexts[plaintext]!;
      for (let outputInProduct = 0; outputInProduct < cells.length; outputInProduct++) {
        const output = row * cells.length + outputInProduct;
        if (output >= outChannels) break;
        const { exponents, values } = weights;
        for (let entry = 0; entry < exponents.length; entry++) {
          if (looksAreLong) yield;
          const source = sources.of(exponents[entry]!, outputInProduct);
          if (source.kind === 'nothing') continue;
          const index = weightIndex(spec, row, output, source);
          applied[index] = (applied[index]! + source.sign * values[entry]!) % program.plainModulus;
        }
        yield;
      }
    }
  }
  return applied;
}

/** The program's terms by the input chunk that they read, each with its result row. */
function termsByChunk(program: ToeplitzProgram): Map<number, { row: number; plaintext: number }[]> {
  const found = new Map<number, { row: number; plaintext: number }[]>();
  program.rows.forEach((terms, row) => {
    for (const { chunk, plaintext } of terms) {
      const list = found.get(chunk) ?? [];
      found.set(chunk, list);
      list.push({ row, plaintext });
    }
  });
  return found;
}

/** Index into `WeightSpec.values` of the weight that joins an output channel and a tap; of its own group, or rejected. */
function weightIndex(spec: ConvSpec, row: number, output: number, tap: SourceTap): number {
  const { outChannels, channelsPerGroup, kernelHeight, kernelWidth } = spec.weights;
  // Not `firstChannelOf`, by which the program was made: what proves it must not repeat its mistakes.
  const group = Math.floor(output / (outChannels / spec.group));
  const inGroup = tap.channel - group * channelsPerGroup;
  if (inGroup < 0 || inGroup >= channelsPerGroup) {
    reject(
      `result row ${row}`,
      'reads a channel of another group',
      `channels of group ${group}`,
      String(tap.channel),
    );
  }
  return (
    ((output * channelsPerGroup + inGroup) * kernelHeight + tap.kernelRow) * kernelWidth + tap.kernelColumn
  );
}

interface CheckedAxis {
  readonly kernel: number;
  readonly dilation: number;
  readonly stride: number;
  readonly pad: number;
  readonly inputSize: number;
  readonly outputSize: number;
}

/** Taps of one axis that fall on the image for at least one output. */
function visibleTaps({ kernel, dilation, stride, pad, inputSize, outputSize }: CheckedAxis): boolean[] {
  return Array.from({ length: kernel }, (_, tap) =>
    Array.from({ length: outputSize }, (__, position) => position * stride - pad + tap * dilation).some(
      (source) => source >= 0 && source < inputSize,
    ),
  );
}

function compareWeights(spec: ConvSpec, program: ToeplitzProgram, applied: Float64Array): void {
  const { weights, input, strides, pads, dilations } = spec;
  const output = outputShape(spec);
  const rows = visibleTaps({
    kernel: weights.kernelHeight,
    dilation: dilations[0],
    stride: strides[0],
    pad: pads[0],
    inputSize: input.height,
    outputSize: output.height,
  });
  const columns = visibleTaps({
    kernel: weights.kernelWidth,
    dilation: dilations[1],
    stride: strides[1],
    pad: pads[1],
    inputSize: input.width,
    outputSize: output.width,
  });
  const centred = centredWeights(weights);
  applied.forEach((value, index) => {
    const kernelColumn = index % weights.kernelWidth;
    const kernelRow = Math.floor(index / weights.kernelWidth) % weights.kernelHeight;
    if (rows[kernelRow] !== true || columns[kernelColumn] !== true) return;
    const [wanted, found] = [
      centredLift(centred[index]!, program.plainModulus),
      centredLift(value, program.plainModulus),
    ];
    if (wanted !== found)
      reject(`weights[${index}]`, 'the program applies another weight', String(wanted), String(found));
  });
}
