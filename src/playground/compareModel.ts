import type { Tensor } from '../../compiler/base/tensor.ts';
import { inLayout } from '../frontend/layouts.ts';
import { compareNetwork } from '../model/compareModel.ts';
import { layoutOf } from '../model/modelFlow.ts';
import type { ModelPort } from '../model/modelFlow.ts';
import type { ModelPlan } from '../model/modelPlan.ts';
import type { ModelComparison } from '../model/modelReport.ts';
import { openClearGraph } from '../model/openClearGraph.ts';
import { requireCrossing, typedTensor } from '../model/typedTensor.ts';
import type { TypedTensor } from '../model/typedTensor.ts';

/**
 * Compares an encrypted run of a model of one input and one output with its network in integers in the clear.
 * @param input as the model declares it
 * @param output as the page shows it: NCHW where it has four axes
 */
export async function compareModel(plan: ModelPlan, input: Tensor, output: Tensor): Promise<ModelComparison> {
  const [from, to] = [plan.inputs[0], plan.outputs[0]];
  const outside = output.shape.length === 4 ? inLayout(output, layoutOf(plan)) : output;
  const network = openClearGraph(plan.network, []);
  return await compareNetwork(plan, network, named(from, input), named(to, outside));
}

function named(port: ModelPort | undefined, { shape, data }: Tensor): ReadonlyMap<string, TypedTensor> {
  if (port === undefined) return new Map();
  return new Map([[port.name, typedTensor(requireCrossing(port.type, port.name), shape, data, port.name)]]);
}
