import { describe, expect, it } from 'vitest';
import { requireEqual } from '../../compiler/base/reject.ts';
import { NOTHING_DROPPED, predictedBudgetBits } from '../../compiler/bfv/noise.ts';
import { dataModulus } from '../../compiler/bfv/parameters.ts';
import { filterMatrixColumn } from '../../compiler/convolution/filterMatrix.ts';
import { outputShape } from '../../compiler/convolution/shape.ts';
import { centredWeights } from '../../compiler/convolution/spec.ts';
import type { ConvSpec } from '../../compiler/convolution/spec.ts';
import { commonFields } from '../../compiler/lowering/assemble.ts';
import type { Lowering } from '../../compiler/lowering/lowering.ts';
import type { ClientViewBase, PlanBase } from '../../compiler/lowering/plan.ts';
import { compileWith } from '../../compiler/lowerings/compile.ts';
import { LOWERINGS } from '../../compiler/lowerings/registry.ts';
import { simulateWith } from '../../compiler/lowerings/simulate.ts';
import { verifyWith } from '../../compiler/lowerings/verify.ts';
import { convolve } from '../../runtime/clear/loops.ts';
import { errorOf, simpleSpec } from '../support/simple.ts';
import { randomInput } from '../support/specs.ts';
import { makeParameters } from '../runtime/handmadePlan.ts';

/** One output a ciphertext, one product a tap: what any lowering could do, and none should. */
interface DummyPlan extends PlanBase {
  readonly lowering: 'dummy';
}

/** Weights of each output cell: the flattened filter matrix, column by column. */
interface DummyProgram {
  readonly columns: readonly { readonly elements: Int32Array; readonly values: Int32Array }[];
}

function columnsOf(spec: ConvSpec): DummyProgram {
  const { batch, channels, height, width } = outputShape(spec);
  const centred = centredWeights(spec.weights);
  const perImage = spec.input.channels * spec.input.height * spec.input.width;
  const plane = height * width;
  const columns = Array.from({ length: batch * channels * plane }, (_, cell) => {
    const image = Math.floor(cell / (channels * plane)) * perImage;
    const channel = Math.floor(cell / plane) % channels;
    const { rows, values } = filterMatrixColumn(
      spec,
      centred,
      channel,
      Math.floor(cell / width) % height,
      cell % width,
    );
    return { elements: rows.map((row) => image + row), values };
  });
  return { columns };
}

const COUNTS = { inputCiphertexts: 1, outputCiphertexts: 1, ntt: 0, rotations: 0, weightPlaintexts: 0 };
const FRESH = 43n;
const stages = { fresh: FRESH, upload: FRESH, products: FRESH, response: FRESH };

/** All that a new lowering is: this object in a file of its own, and one line of the registry. */
const dummy: Lowering<DummyPlan, DummyProgram, ClientViewBase> = {
  name: 'dummy',
  refusal: () => null,
  cannotCarry: () => null,
  *estimate() {
    yield;
    return { kind: 'estimate', estimate: { milliseconds: 1e-9, bytes: 1 } };
  },
  *compile(demand) {
    yield;
    const program = columnsOf(demand.spec);
    const parameters = makeParameters(2048, Math.max(2, demand.analysis.decodeWidth));
    const budget = predictedBudgetBits(dataModulus(parameters), parameters.plainModulus, FRESH);
    const plan: DummyPlan = {
      ...commonFields(demand),
      lowering: 'dummy',
      parameters,
      packing: {},
      noise: { failure: 'never', predictedBudgetBits: budget },
      transfer: { usedChunks: [0], emptyRows: [] },
      wire: NOTHING_DROPPED,
      counts: { ...COUNTS, products: program.columns.length },
      bytes: { upload: 1, response: 1 },
      report: { considered: 1, estimatedMilliseconds: 1e-9, refused: [] },
    };
    return { plan, program };
  },
  cost: () => ({ milliseconds: 1e-9, bytes: 2 }),
  program: ({ spec }) => columnsOf(spec),
  noise: () => stages,
  norms: () => ({}),
  counts: ({ columns }) => ({ ...COUNTS, products: columns.length }),
  bytes: () => ({ upload: 1, response: 1 }),
  transfer: () => ({ usedChunks: [0], emptyRows: [] }),
  *verifyMatrix(spec, program) {
    yield;
    const text = ({ columns }: DummyProgram): string =>
      JSON.stringify(columns.map(({ elements, values }) => [[...elements], [...values]]));
    requireEqual('matrix', text(columnsOf(spec)), text(program));
  },
  verifyOwn: () => undefined,
  simulate: ({ columns }, input, { spec }, output) => {
    const { channels, height, width } = outputShape(spec);
    columns.forEach(({ elements, values }, cell) => {
      let sum = spec.bias[Math.floor(cell / (height * width)) % channels]!;
      elements.forEach((element, tap) => {
        sum += values[tap]! * (input.data[element]! - spec.input.zeroPoint);
      });
      output[cell] = sum;
    });
  },
  view: (_, base) => base,
  checkView: () => undefined,
  checkParameters: () => undefined,
  layout: () => ({ encoding: 'coefficients', uploads: [], results: [], zeros: [], keys: null }),
  rotates: () => false,
};

/** The one line. */
const lowerings = [...(LOWERINGS as readonly Lowering<PlanBase, unknown, ClientViewBase>[]), dummy];

describe('a third lowering', () => {
  const spec = simpleSpec();

  it('is one object and one line of the registry: auto takes it where it is cheapest, and proves it', () => {
    const plan = compileWith(lowerings, spec);
    expect(plan.lowering).toBe('dummy');
    expect(Object.isFrozen(plan)).toBe(true);
    expect(plan.request.lowering).toBe('auto');
    const input = randomInput(spec, 5);
    expect(simulateWith(lowerings, plan, columnsOf(spec), input)).toEqual(convolve(spec, input));
  });

  it('is taken by its name, the others by theirs', () => {
    for (const lowering of ['dummy', 'toeplitz', 'diagonals'])
      expect(compileWith(lowerings, spec, { lowering }).lowering).toBe(lowering);
    expect(errorOf(() => compileWith(lowerings, spec, { lowering: 'fourth' }))).toMatchObject({
      code: 'usage',
      details: { expected: 'toeplitz, diagonals, dummy', found: 'fourth' },
    });
  });

  it('is proved like the others: a changed matrix, count or window is refused', () => {
    const plan = compileWith(lowerings, spec, { lowering: 'dummy' });
    const program = columnsOf(spec);
    const first = program.columns[0]!;
    const other = {
      columns: [{ ...first, values: first.values.map((value) => value + 1) }, ...program.columns.slice(1)],
    };
    expect(() => {
      verifyWith(lowerings, plan, program);
    }).not.toThrow();
    for (const [changed, made] of [
      [plan, other],
      [{ ...plan, counts: { ...plan.counts, products: 1 } }, program],
      [{ ...plan, windows: { ...plan.windows, low: [7] } }, program],
    ] as const)
      expect(
        errorOf(() => {
          verifyWith(lowerings, changed, made);
        }),
      ).toMatchObject({ code: 'plan-rejected' });
  });
});
