/** The pictures of a packing say what the plan's program computes, which is the matrix of the convolution. */
import { describe, expect, it } from 'vitest';
import { filterMatrixColumn } from '../../compiler/convolution/filterMatrix.ts';
import { outputShape } from '../../compiler/convolution/shape.ts';
import { centredWeights } from '../../compiler/convolution/spec.ts';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import { compileSpec } from '../../compiler/lowerings/compile.ts';
import type { Lowering, Plan } from '../../compiler/lowerings/plan.ts';
import { clientView, viewRules } from '../../compiler/lowerings/views.ts';
import { firstResult } from '../../src/report/packing/contributions.ts';
import { ONE_LAYER, packingPicture } from '../../src/report/packing/picture.ts';
import { placeRuns } from '../../src/report/packing/runs.ts';
import { simpleSpec } from '../support/simple.ts';

/** Nine channels over two groups, stride, dilation, pads on one side, zero points on both. */
const AWKWARD = simpleSpec({
  input: { channels: 4, height: 9, width: 11, batch: 2, zeroPoint: 1 },
  weights: {
    outChannels: 6,
    channelsPerGroup: 2,
    kernelHeight: 2,
    kernelWidth: 3,
    signed: true,
    values: Array.from({ length: 72 }, (_, index) => (index % 4) - 2),
    zeroPoints: [0, -1, 1, 0, 0, 1],
  },
  strides: [2, 1],
  dilations: [1, 2],
  pads: [1, 0, 0, 2],
  group: 2,
});

const CASES: readonly (readonly [string, ConvSpec, Lowering])[] = [
  ['the Gaussian in coefficients', simpleSpec(), 'toeplitz'],
  ['the Gaussian in slots', simpleSpec(), 'diagonals'],
  ['an awkward one in coefficients', AWKWARD, 'toeplitz'],
  ['an awkward one in slots', AWKWARD, 'diagonals'],
  ['a large picture in tiles', simpleSpec({ input: { height: 150, width: 130 } }), 'toeplitz'],
];

/** What the definition says that an output sums, without entries that are 0. */
function columnOf(spec: ConvSpec, output: number): Map<number, number> {
  const { channels, height, width } = outputShape(spec);
  const image = Math.floor(output / (channels * height * width));
  const inImage = output % (channels * height * width);
  const [channel, cell] = [Math.floor(inImage / (height * width)), inImage % (height * width)];
  const { rows, values } = filterMatrixColumn(
    spec,
    centredWeights(spec.weights),
    channel,
    Math.floor(cell / width),
    cell % width,
  );
  const offset = image * spec.input.channels * spec.input.height * spec.input.width;
  return new Map(
    [...rows].flatMap((row, index) =>
      values[index] === 0 ? [] : [[row + offset, values[index]!] as [number, number]],
    ),
  );
}

describe.each(CASES)('%s', (_, spec, lowering) => {
  const plan: Plan = compileSpec(spec, { lowering });

  it('sums for every output of the first result what the definition says', () => {
    const products = firstResult(plan);
    expect(products?.outputs.length).toBeGreaterThan(0);
    products?.outputs.forEach((output, index) => {
      const found = products.contributions(index).map(({ input, value }) => [input, value] as const);
      expect(new Map(found), `output ${output}`).toEqual(columnOf(spec, output));
      expect(found.length).toBe(columnOf(spec, output).size);
    });
  });

  it('draws exactly those entries', () => {
    const { matrix } = packingPicture(plan, { ...ONE_LAYER, entries: 1e6 });
    const drawn = new Map<number, Map<number, number>>();
    for (const { value, runs } of matrix?.taps ?? [])
      for (const [column, row, rowStep, length] of runs)
        for (let index = 0; index < length; index++) {
          const output = matrix?.outputs[column + index] ?? -1;
          const cells = drawn.get(output) ?? new Map<number, number>();
          drawn.set(output, cells.set(matrix?.inputs[row + index * rowStep] ?? -1, value));
        }
    expect(drawn.size).toBeGreaterThan(0);
    for (const [output, cells] of drawn) expect(cells).toEqual(columnOf(spec, output));
  });

  it('writes places as runs without losing one', () => {
    const view = clientView(plan);
    for (const places of [...viewRules(view).layout(view).uploads, ...viewRules(view).layout(view).results]) {
      const pairs = placeRuns(places).flatMap((run) =>
        Array.from({ length: run.length }, (__, index) => [
          run.position + index * run.positionStep,
          run.element + index * run.elementStep,
        ]),
      );
      expect(pairs).toEqual([...places.positions].map((at, index) => [at, places.elements[index]]));
    }
  });

  it('decodes the sum of the steps to the accumulator', () => {
    const { product } = packingPicture(plan);
    expect(product).not.toBeNull();
    if (product === null) return;
    const { steps, rest, sum, bias, decoded, output } = product;
    expect(steps.reduce((total, { weight, value }) => total + weight * value, 0) + rest.sum).toBe(sum);
    expect(decoded).toBe(sum + bias);
    const channel =
      Math.floor(output / (outputShape(spec).height * outputShape(spec).width)) % spec.bias.length;
    expect(decoded).toBeLessThanOrEqual(plan.analysis.channels[channel]!.hi);
  });
});

it('reaches the top of the interval where the cell that does is in the first result', () => {
  expect(packingPicture(compileSpec(simpleSpec())).product?.decoded).toBe(45);
});

it('says what it cuts', () => {
  const { matrix } = packingPicture(compileSpec(simpleSpec()), { ...ONE_LAYER, entries: 100 });
  expect(matrix?.entries).toBeLessThanOrEqual(100);
  expect(matrix?.cut.outputsInAll).toBe(784);
  expect(matrix?.outputs.length).toBeLessThan(784);
});
