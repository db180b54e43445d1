import { elementCount } from '../../compiler/base/tensor.ts';
import type { Step } from '../interpreter/interpreter.ts';
import { requantized } from '../interpreter/quantize.ts';
import type { DenseTensor } from '../interpreter/values.ts';
import { centred } from '../interpreter/values.ts';
import type { ModelLayer } from './modelPlan.ts';
import type { ModelLayerOutput } from './modelFlow.ts';

/**
 * A QDQ layer in integers, by the graph's own node: nothing of the layer's convolution, weights or layout is used, so that a
 * mistake in these shows. The DequantizeLinear nodes of both operands run with scales of 1 and give x - zx and w - zw, the node
 * itself sums their products in doubles, which is exact. Of the layer only bias, multipliers and scales are taken.
 */

const FLOAT_OPERATORS = new Set(['Conv', 'MatMul', 'Gemm']);

type Makers = ReadonlyMap<string, Step>;

/** null where the operands do not both come out of a DequantizeLinear, the weights on the right. */
export function graphLayerStep(layer: ModelLayer, makers: Makers): Step | null {
  const node = nodeOf(layer, makers);
  if (node === null || !FLOAT_OPERATORS.has(node.op)) return null;
  const [left, right] = node.inputs.slice(0, 2).map((name) => makers.get(name));
  if (left?.op !== 'DequantizeLinear' || right?.op !== 'DequantizeLinear') return null;
  const { bias } = layer.stored.plan.spec;
  const shape = layer.output.shape;
  const axis = node.op === 'Conv' ? 1 : shape.length - 1;
  // Rewritten convolutions (three axes, phases) have channels of their own.
  if (layer.input.tensor !== left.inputs[0] || shape[axis] !== bias.length) return null;
  const count = left.inputs.length;
  return {
    name: layer.name,
    op: layer.op,
    inputs: [...left.inputs, ...right.inputs],
    outputs: [layer.output.tensor],
    run: async (inputs) => {
      const x = await integersOf(left, inputs.slice(0, count));
      const w = await integersOf(right, inputs.slice(count));
      const made = x === null || w === null ? null : await node.run([x, w]);
      const sums = made?.[0]?.data;
      if (!(sums instanceof Float64Array)) return null;
      addAlong(sums, shape, axis, bias);
      return [finished(layer.output, sums, axis)];
    },
  };
}

/** The float node: what makes the layer's output, or what its QuantizeLinear reads, past Relu and Clip. */
function nodeOf({ op, output }: ModelLayer, makers: Makers): Step | null {
  let step = makers.get(output.tensor);
  while (step !== undefined && step.op !== op) {
    if (output.kind !== 'requantized' || !['QuantizeLinear', 'Relu', 'Clip'].includes(step.op)) return null;
    step = makers.get(step.inputs[0] ?? '');
  }
  return step ?? null;
}

/** q - zeroPoint as doubles: the node's own result for scales of 1. */
async function integersOf(
  step: Step,
  [q, scale, zeroPoint]: readonly (DenseTensor | null)[],
): Promise<DenseTensor | null> {
  if (q === null || q === undefined || scale === null || scale === undefined) return null;
  const ones: DenseTensor = { ...scale, data: new Float32Array(scale.data.length).fill(1) };
  const made = await step.run([q, ones, zeroPoint ?? null]);
  const first = made?.[0];
  return first === undefined ? null : { type: 'double', shape: first.shape, data: centred(first.data) };
}

function addAlong(
  sums: Float64Array,
  shape: readonly number[],
  axis: number,
  values: readonly number[],
): void {
  const inner = elementCount(shape.slice(axis + 1));
  for (let index = 0; index < sums.length; index++)
    sums[index]! += values[Math.floor(index / inner) % values.length]!;
}

function finished(output: ModelLayerOutput, sums: Float64Array, axis: number): DenseTensor {
  const { type, shape } = output;
  if (output.kind === 'requantized') {
    const { scale, outputZeroPoint } = output.requantization;
    return requantized({ shape, data: sums }, type, { multipliers: scale, zeroPoint: outputZeroPoint, axis });
  }
  const data = Float32Array.from(sums);
  if (output.kind === 'accumulator') return { type, shape, data };
  const { scales, bias } = output;
  const inner = elementCount(shape.slice(axis + 1));
  for (let index = 0; index < data.length; index++) {
    const channel = Math.floor(index / inner) % scales.length;
    data[index]! *= Math.fround(scales[channel]!);
    if (bias !== null) data[index]! += Math.fround(bias[channel]!);
  }
  return { type, shape, data };
}
