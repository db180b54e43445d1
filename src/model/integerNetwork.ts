import { EXECUTORS } from '../../runtime/clear/executors.ts';
import type { Step } from '../interpreter/interpreter.ts';
import { graphLayerStep } from './graphLayer.ts';
import { layerInput, layerOutput } from './layerTensors.ts';
import type { ModelLayer } from './modelPlan.ts';
import { fromDense, toDense } from './typedTensor.ts';

/**
 * The integer rewrite of a network, which decides whether an encrypted run is right: the whole graph, uncut, in the clear.
 * Integer operators (ConvInteger, QLinearConv, MatMulInteger, QLinearMatMul) are computed node by node from the graph's own
 * weights and parameters. A float node whose operands are quantized is an integer layer instead:
 *
 *   acc = sum of (x - zx)(w - zw) + bias
 *   q   = saturate(rne(rn(rn(acc) rn(rn(sx sw) / sy))) + zy)      where a QuantizeLinear follows
 *   y   = rn(rn(acc) rn(sx sw)) [+ bias, rounded]                 where none does
 *
 * rn rounds to float32, rne to the nearest integer, ties to even.
 */
const BY_THEMSELVES = new Set(['ConvInteger', 'QLinearConv', 'MatMulInteger', 'QLinearMatMul']);

/**
 * Steps for the layers that the graph itself has in floats. Where both operands come out of a DequantizeLinear the sums are
 * those of the node itself, with the graph's weights and attributes; elsewhere (QONNX, whole floats, several axes) those of
 * the layer's convolution.
 * @param steps of the graph
 */
export function integerSteps(layers: readonly ModelLayer[], steps: readonly Step[]): Step[] {
  const makers = new Map(steps.flatMap((step) => step.outputs.map((name) => [name, step] as const)));
  return layers
    .filter(({ op }) => !BY_THEMSELVES.has(op))
    .map((layer) => graphLayerStep(layer, makers) ?? specStep(layer));
}

function specStep(layer: ModelLayer): Step {
  const { name, op, input, output, stored } = layer;
  const { spec } = stored.plan;
  return {
    name,
    op,
    inputs: [input.tensor],
    outputs: [output.tensor],
    run: ([tensor]) => {
      if (tensor === null || tensor === undefined) return null;
      const integers = layerInput(layer, spec, fromDense(tensor, input.tensor));
      const accumulators = EXECUTORS.taps(spec, integers);
      return [toDense(layerOutput(layer, spec.bias, accumulators), output.tensor)];
    },
  };
}
