import { internalError } from '../../compiler/base/errors.ts';
import type { ClearGraph } from './clearGraph.ts';
import { integerSteps } from './integerNetwork.ts';
import { OnnxGraph } from './onnxGraph.ts';
import { layersOf } from './modelFlow.ts';
import type { JoinedModel } from './modelPlan.ts';
import type { ModelComparison } from './modelReport.ts';
import { fromDense, toDense } from './typedTensor.ts';
import type { TypedTensor } from './typedTensor.ts';

type Tensors = ReadonlyMap<string, TypedTensor>;

/**
 * Compares the outputs of an encrypted run with the network's integer rewrite in the clear, value by value.
 * @param inputs of the model
 * @param outputs of the encrypted run
 */
export async function compareNetwork(
  plan: JoinedModel,
  network: ClearGraph,
  inputs: Tensors,
  outputs: Tensors,
): Promise<ModelComparison> {
  const given = new Map([...inputs].map(([name, tensor]) => [name, toDense(tensor, name)] as const));
  const names = plan.outputs.map(({ name }) => name);
  const replaced = network instanceof OnnxGraph ? integerSteps(layersOf(plan), network.steps) : [];
  const expected = await network.run(given, names, { replaced });
  const counts = names.map((name) =>
    countDifferences(fromDense(take(expected, name), name), take(outputs, name)),
  );
  return {
    outputs: counts.reduce((sum, { values }) => sum + values, 0),
    mismatches: counts.reduce((sum, { differing }) => sum + differing, 0),
  };
}

function take<T>(tensors: ReadonlyMap<string, T>, name: string): T {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw internalError(`the tensor ${name} is missing`);
  return tensor;
}

/** Values that differ; all of them for another type or shape. NaN equals NaN, and 0 equals -0. */
function countDifferences(expected: TypedTensor, actual: TypedTensor): { values: number; differing: number } {
  const values = actual.data.length;
  if (expected.type !== actual.type || expected.shape.join() !== actual.shape.join()) {
    return { values, differing: Math.max(values, 1) };
  }
  let differing = 0;
  for (let index = 0; index < values; index++) {
    const [left, right] = [expected.data[index], actual.data[index]];
    if (left !== right && !(Number.isNaN(left) && Number.isNaN(right))) differing++;
  }
  return { values, differing };
}
