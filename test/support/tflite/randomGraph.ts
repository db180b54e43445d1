import type { FixedPointRounding } from '../../../src/interpreter/fixedPoint/node.ts';
import { fc } from '../properties.ts';
import { Growth } from './growth.ts';
import type { ActivationType, Value } from './growth.ts';
import { convolution, depthwise, fullyConnected, transposed } from './linearGrowth.ts';
import { activation, arithmetic, mean, moved, pool } from './otherGrowth.ts';
import type { WrittenModel } from './writeModel.ts';

/** Small models of TensorFlow Lite. */
export interface RandomGraph extends WrittenModel {
  readonly rounding: FixedPointRounding;
  /** Of all activations. */
  readonly type: ActivationType;
  /** Values of the one input, in C order. */
  readonly data: readonly number[];
}

const STEPS = {
  convolution,
  depthwise,
  transposed,
  fullyConnected,
  arithmetic,
  pool,
  mean,
  activation,
  moved,
};
type StepName = keyof typeof STEPS;
const LINEAR: readonly StepName[] = ['convolution', 'depthwise', 'transposed', 'fullyConnected'];

interface Choices {
  readonly seed: number;
  readonly type: ActivationType;
  readonly rounding: FixedPointRounding;
  readonly shape: readonly [number, number, number];
  readonly before: readonly StepName[];
  readonly linear: StepName;
  readonly after: readonly StepName[];
}

/** Elements of a value that is not grown any more: it would only cost time. */
const LARGE = 300;

function graphFrom({ seed, type, rounding, shape, before, linear, after }: Choices): RandomGraph {
  const growth = new Growth(seed, type);
  const input = growth.value([1, ...shape], growth.scale(type === 'int8' ? 0.05 : 0.0002));
  const range = type === 'int8' ? 128 : 32768;
  const data = Array.from({ length: shape.reduce((product, extent) => product * extent, 1) }, () =>
    growth.chance(10) ? growth.pick([-range, range - 1]) : growth.random(-range, range - 1),
  );
  let value: Value = input;
  const grow = (step: StepName): void => {
    value = STEPS[step](growth, value);
  };
  const growUnlessLarge = (step: StepName): void => {
    if (value.shape.reduce((product, extent) => product * extent, 1) <= LARGE) grow(step);
  };
  before.forEach(growUnlessLarge);
  grow(linear);
  after.forEach(growUnlessLarge);
  const { tensors, nodes } = growth;
  return { tensors, nodes, inputs: [input.name], outputs: [value.name], type, rounding, data };
}

/** Random graphs of at least one linear operator; what fast-check prints are the choices. */
export function arbitraryGraph(): fc.Arbitrary<RandomGraph> {
  const steps = fc.array(fc.constantFrom(...(Object.keys(STEPS) as StepName[])), { maxLength: 3 });
  return fc
    .record<Choices>({
      seed: fc.nat(),
      type: fc.constantFrom('int8', 'int8', 'int16'),
      rounding: fc.constantFrom('double', 'single'),
      shape: fc.tuple(
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 4 }),
      ),
      before: steps,
      linear: fc.constantFrom(...LINEAR),
      after: steps,
    })
    .map((choices) => ({ ...graphFrom(choices), [fc.toStringMethod]: () => JSON.stringify(choices) }));
}
