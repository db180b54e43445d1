import fc from 'fast-check';
import { randomIntegers } from '../specs.ts';
import { ModelWriter } from '../../../src/frontend/onnx/modelWriter.ts';
import type { Activation, GraphTensor, QuantizedType } from '../../../src/frontend/onnx/modelWriter.ts';
import { describeNodes } from './describe.ts';
import { keepingGeometry, randomGeometry } from './geometry.ts';
import { convolution, dense, integer, qdq, qlinear, requantizedInteger } from './linearNodes.ts';
import type { Context, ConvForm, DenseForm } from './linearNodes.ts';
import { activation, add, averagePool, concat, flatten, maxPool, requantization } from './otherNodes.ts';
import { chance, RANGES } from './randomWeights.ts';
import type { Scales } from './randomWeights.ts';

/** Small quantized models, all of which onnxruntime-web runs (test/onnx/randomGraphs.test.ts tries it). */
export interface RandomGraph {
  /** The model file. */
  readonly bytes: Uint8Array;
  readonly inputs: readonly GraphInput[];
  readonly outputs: readonly GraphTensor[];
  /** Linear nodes, by operator. */
  readonly linearOperators: readonly (ConvForm | DenseForm)[];
  /** What failures print: the choices, and the nodes one a line. */
  readonly description: string;
}

export interface GraphInput extends GraphTensor {
  readonly type: QuantizedType | 'float32';
  /** C order. */
  readonly data: readonly number[];
}

/** One step of a graph; steps that a shape does not allow are left out. */
export type Step =
  | { readonly kind: 'conv'; readonly form: ConvForm; readonly seed: number }
  | { readonly kind: 'dense'; readonly form: DenseForm; readonly seed: number }
  | {
      readonly kind: 'activation' | 'requantize' | 'max pool' | 'average pool' | 'flatten';
      readonly seed: number;
    }
  | { readonly kind: 'residual'; readonly form: ConvForm; readonly seed: number }
  | { readonly kind: 'concat'; readonly forms: readonly [ConvForm, ConvForm]; readonly seed: number };

/** The free choices of a random graph; everything else follows from them and the seeds. */
export interface GraphChoices {
  readonly seed: number;
  readonly opset: number;
  readonly scales: Scales;
  /** [batch, channels, ...extents] */
  readonly inputShape: readonly number[];
  readonly inputType: QuantizedType;
  /** Whether the graph's own input is 8 bits wide, or floats that it quantizes first. */
  readonly inputForm: QuantizedType | 'float32';
  readonly steps: readonly Step[];
  readonly ending: 'quantized' | 'dequantized' | 'accumulator';
}

/** Dense layers with more inputs are left out: sums stay exact in floats, and tests quick. */
const MOST_FEATURES = 400;

class Growth {
  readonly graph = new ModelWriter();
  readonly operators: (ConvForm | DenseForm)[] = [];
  readonly #scales: Scales;

  constructor(scales: Scales) {
    this.#scales = scales;
  }

  context(seed: number): Context {
    return { graph: this.graph, random: randomIntegers(seed), scales: this.#scales };
  }

  /** The activation behind a step, or `input` itself where the step does not fit. */
  step(step: Step, input: Activation): Activation {
    const context = this.context(step.seed);
    const isImage = input.shape.length > 2;
    switch (step.kind) {
      case 'conv':
        return isImage ? this.conv(context, step.form, input) : input;
      case 'dense':
        return this.dense(context, step.form, input);
      case 'activation':
        return activation(context, input);
      case 'requantize':
        return requantization(context, input);
      case 'max pool':
        return isImage ? maxPool(context, input) : input;
      case 'average pool':
        return isImage ? averagePool(context, input) : input;
      case 'flatten':
        return isImage ? flatten(context, input) : input;
      case 'residual':
        return isImage
          ? add(context, input, this.keepingConv(context, step.form, input, input.shape[1]))
          : input;
      case 'concat': {
        if (!isImage) return input;
        const [left, right] = step.forms;
        return concat(context, [
          this.keepingConv(context, left, input),
          this.keepingConv(context, right, input),
        ]);
      }
    }
  }

  conv(context: Context, form: ConvForm, input: Activation): Activation {
    const linear = randomConvolution(context, input);
    this.operators.push(form);
    if (form === 'QLinearConv') return qlinear(context, form, linear);
    return form === 'Conv' ? qdq(context, form, linear) : requantizedInteger(context, form, linear);
  }

  /** A convolution that keeps the image's extents. */
  keepingConv(context: Context, form: ConvForm, input: Activation, channels?: number): Activation {
    const geometry = keepingGeometry(context.random, input.shape.slice(2));
    const outputs = channels ?? context.random(1, 3);
    const linear = convolution(context, input, geometry, { outputs, group: 1 });
    this.operators.push(form);
    if (form === 'QLinearConv') return qlinear(context, form, linear);
    return form === 'Conv' ? qdq(context, form, linear) : requantizedInteger(context, form, linear);
  }

  dense(context: Context, form: DenseForm, input: Activation): Activation {
    // Gemm takes matrices only; the others work on the last axis of anything.
    const flat = form === 'Gemm' || chance(context.random, 2) ? this.flat(context, input) : input;
    if ((flat.shape.at(-1) ?? 0) > MOST_FEATURES) return input;
    const transposed = form === 'Gemm' && chance(context.random, 2);
    const outputs = context.random(1, 6);
    const linear = dense(context, flat, outputs, transposed ? 'rows are outputs' : 'rows are inputs');
    this.operators.push(form);
    if (form === 'QLinearMatMul') return qlinear(context, form, linear);
    return form === 'MatMulInteger' ? requantizedInteger(context, form, linear) : qdq(context, form, linear);
  }

  flat(context: Context, input: Activation): Activation {
    return input.shape.length > 2 ? flatten(context, input) : input;
  }

  /** The graph's outputs: the activation, its floats, or the accumulator of one more layer. */
  end(ending: GraphChoices['ending'], context: Context, input: Activation): GraphTensor {
    const { name, type, shape } = input;
    if (ending === 'quantized') return { name, type, shape };
    if (ending === 'dequantized') return { name: this.graph.dequantize(input), type: 'float32', shape };
    if (shape.length > 2) {
      this.operators.push('ConvInteger');
      return integer(context, 'ConvInteger', randomConvolution(context, input));
    }
    this.operators.push('MatMulInteger');
    return integer(context, 'MatMulInteger', dense(context, input, context.random(1, 6), 'rows are inputs'));
  }
}

function randomConvolution(context: Context, input: Activation): ReturnType<typeof convolution> {
  const { random } = context;
  const channels = input.shape[1] ?? 1;
  const groups = [1, 1, channels, ...(channels % 2 === 0 ? [2] : [])];
  const group = groups[random(0, groups.length - 1)] ?? 1;
  const geometry = randomGeometry(random, input.shape.slice(2), 'convolution');
  return convolution(context, input, geometry, { outputs: group * random(1, 3), group });
}

/** Raw values, both ends of the range now and then. */
function randomValues(random: Context['random'], { type, shape }: Activation): number[] {
  const { lo, hi } = RANGES[type];
  const count = shape.reduce((product, extent) => product * extent, 1);
  return Array.from({ length: count }, () => (chance(random, 8) ? [lo, hi][random(0, 1)]! : random(lo, hi)));
}

/** The graph's input, and the activation that it becomes. */
function beginning(growth: Growth, choices: GraphChoices): { input: GraphInput; value: Activation } {
  const { inputShape: shape, inputType: type } = choices;
  const { random } = growth.context(choices.seed);
  const scale = choices.scales === 'any' ? Math.fround(random(1, 300) / 7000) : 2 ** random(-8, -3);
  const zeroPoint = random(RANGES[type].lo, RANGES[type].hi);
  const value: Activation = { name: 'x', type, shape, scale, zeroPoint };
  const data = randomValues(random, value);
  if (choices.inputForm !== 'float32') return { input: { name: 'x', type, shape, data }, value };
  // Floats a little off the grid of the quantization.
  const floats = data.map((q) => Math.fround((q - zeroPoint + random(-40, 40) / 100) * scale));
  const input: GraphInput = { name: 'x', type: 'float32', shape, data: floats };
  return { input, value: growth.graph.quantize('x', value) };
}

export function graphFromChoices(choices: GraphChoices): RandomGraph {
  const growth = new Growth(choices.scales);
  const { input, value } = beginning(growth, choices);
  const last = choices.steps.reduce((current, step) => growth.step(step, current), value);
  const context = growth.context(choices.seed + 1);
  // A graph without a single linear layer would prove nothing.
  const ending = growth.operators.length === 0 || last === value ? 'accumulator' : choices.ending;
  const output = growth.end(ending, context, last);
  const { name, type, shape } = input;
  return {
    bytes: growth.graph.encode('random', choices.opset, [{ name, type, shape }], [output]),
    inputs: [input],
    outputs: [output],
    linearOperators: growth.operators,
    description: `${JSON.stringify(choices)}\n${describeNodes(growth.graph)}`,
  };
}

const seed = fc.integer({ min: 0, max: 2 ** 31 });
const convForm = fc.constantFrom<ConvForm>('QLinearConv', 'ConvInteger', 'Conv');
const denseForm = fc.constantFrom<DenseForm>('QLinearMatMul', 'MatMulInteger', 'MatMul', 'Gemm');
const upTo = (largest: number): fc.Arbitrary<number> => fc.integer({ min: 1, max: largest });

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('conv' as const), form: convForm, seed }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('dense' as const), form: denseForm, seed }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'activation' as const,
        'requantize' as const,
        'max pool' as const,
        'average pool' as const,
      ),
      seed,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('residual' as const), form: convForm, seed }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('concat' as const), forms: fc.tuple(convForm, convForm), seed }),
  },
);

/** Random graphs; their description is what fast-check prints. */
export function arbitraryGraph(): fc.Arbitrary<RandomGraph> {
  return fc
    .record({
      seed,
      opset: fc.integer({ min: 13, max: 21 }),
      scales: fc.constantFrom<Scales>('any', 'powers of two'),
      batch: fc.oneof({ weight: 3, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: upTo(3) }),
      channels: upTo(4),
      extents: fc.oneof(
        { weight: 4, arbitrary: fc.tuple(upTo(10), upTo(10)) },
        { weight: 1, arbitrary: fc.tuple(upTo(20)) },
      ),
      inputType: fc.constantFrom<QuantizedType>('uint8', 'int8'),
      quantizesInput: fc.boolean(),
      steps: fc.array(step, { minLength: 1, maxLength: 5 }),
      ending: fc.constantFrom('quantized' as const, 'dequantized' as const, 'accumulator' as const),
    })
    .map(({ batch, channels, extents, quantizesInput, ...choices }) =>
      graphFromChoices({
        ...choices,
        inputShape: [batch, channels, ...extents],
        inputForm: quantizesInput ? 'float32' : choices.inputType,
      }),
    )
    .map((graph) => ({ ...graph, [fc.toStringMethod]: (): string => graph.description }));
}
