import { CipherconvError } from '../../compiler/base/errors.ts';
import type { GraphValue } from '../frontend/imported/types.ts';
import type { ImportedModel } from '../frontend/imported/model.ts';
import { openClearGraph } from './openClearGraph.ts';
import { graphOf } from './graphOf.ts';
import { fitInputs } from './modelInputs.ts';
import type { InputFiles } from './modelInputs.ts';
import { toDense } from './typedTensor.ts';

/**
 * Shapes that only the data tell (a Loop that resizes, the regions that a detector found): the model runs in the clear once, and
 * what its tensors turn out to be is what its layers are compiled for.
 */

/** Whether a layer stays in the clear for want of a shape. */
export function lacksShapes({ unsupported, source, values }: ImportedModel): boolean {
  const linear = new Set(unsupported.filter(({ kind }) => kind === 'linear').map(({ name }) => name));
  return (
    source.format === 'onnx' &&
    source.nodes.some(
      ({ name, inputs }) => linear.has(name) && inputs.some((input) => values.get(input)?.shape === null),
    )
  );
}

/**
 * Types and shapes of all tensors that have none, for these inputs; none where the model does not run in the clear: the run
 * itself says why.
 */
export async function observedShapes(
  model: ImportedModel,
  files: InputFiles,
): Promise<ReadonlyMap<string, GraphValue>> {
  const { source } = model;
  if (source.format !== 'onnx') return new Map();
  const wanted = source.nodes
    .flatMap(({ outputs }) => outputs)
    .filter((name) => name !== '' && model.values.get(name)?.shape === null);
  const ports = model.inputs.flatMap(({ name, type, shape }) =>
    type === null ? [] : [{ name, type, shape }],
  );
  try {
    const given = fitInputs({ inputs: ports, segments: [] }, files, () => undefined);
    const graph = openClearGraph(graphOf(model).whole(), []);
    const dense = new Map([...given].map(([name, tensor]) => [name, toDense(tensor, name)] as const));
    const made = await graph.run(dense, wanted);
    return new Map([...made].map(([name, { type, shape }]) => [name, { name, type, shape }]));
  } catch (error) {
    if (error instanceof CipherconvError && error.code !== 'internal') return new Map();
    throw error;
  }
}
