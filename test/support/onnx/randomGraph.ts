import { fc } from '../properties.ts';
import type { Activation, GraphTensor, QuantizedType } from '../../../bench/models/modelWriter.ts';
import { arbitraryChoices } from './choices.ts';
import type { GraphChoices } from './choices.ts';
import { describeNodes } from './describe.ts';
import { Growth } from './growth.ts';
import type { Context, LinearOperator, OtherForm } from './linearNodes.ts';
import { QUANT_DOMAIN } from './otherForms.ts';
import { chance, RANGES } from './randomWeights.ts';

/** Small quantized models; onnxruntime-web runs all but those of QONNX (test/onnx/randomGraphs.test.ts tries it). */
export interface RandomGraph {
  /** The model file. */
  readonly bytes: Uint8Array;
  readonly inputs: readonly GraphInput[];
  readonly outputs: readonly GraphTensor[];
  /** Linear nodes, by operator. */
  readonly linearOperators: readonly LinearOperator[];
  /** Forms of quantization that the operators alone do not tell. */
  readonly forms: ReadonlySet<OtherForm>;
  /** Whether every float of the graph is exact, so that a runtime without optimizations gives the same integers. */
  readonly isExactInFloats: boolean;
  /** What failures print: the choices, and the nodes one a line. */
  readonly description: string;
}

export interface GraphInput extends GraphTensor {
  readonly type: QuantizedType | 'float32';
  /** C order. */
  readonly data: readonly number[];
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

/** Powers of two are; averages are not, nor scales of run time, nor sums of 16-bit products. */
function isExact({ scales, steps }: GraphChoices, { forms }: Growth): boolean {
  return scales === 'powers of two' && forms.size === 0 && steps.every(({ kind }) => kind !== 'average pool');
}

function graphFromChoices(choices: GraphChoices): RandomGraph {
  const growth = new Growth(choices);
  const { input, value } = beginning(growth, choices);
  const last = choices.steps.reduce((current, step) => growth.step(step, current), value);
  const context = growth.context(choices.seed + 1);
  // A graph without a single linear layer would prove nothing.
  const ending = growth.operators.length === 0 || last === value ? 'accumulator' : choices.ending;
  const output = growth.end(ending, context, last);
  const { name, type, shape } = input;
  const domains = growth.forms.has('QONNX') ? { [QUANT_DOMAIN]: 1 } : {};
  return {
    bytes: growth.graph.encode('random', choices.opset, [{ name, type, shape }], [output], domains),
    inputs: [input],
    outputs: [output],
    linearOperators: growth.operators,
    forms: growth.forms,
    isExactInFloats: isExact(choices, growth),
    description: `${JSON.stringify(choices)}\n${describeNodes(growth.graph)}`,
  };
}

/** Random graphs; their description is what fast-check prints. */
export function arbitraryGraph(): fc.Arbitrary<RandomGraph> {
  return arbitraryChoices()
    .map(graphFromChoices)
    .map((graph) => ({ ...graph, [fc.toStringMethod]: (): string => graph.description }));
}
