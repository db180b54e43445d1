import { CipherconvError } from '../../compiler/base/errors.ts';
import type { ImportedModel } from '../frontend/imported/model.ts';
import { cutGraph } from './cutGraph.ts';
import { graphOf } from './graphOf.ts';
import { layerEnds } from './layerEnds.ts';
import { macsOf } from './macs.ts';
import type { LayerCut, ModelFlow, ModelPort } from './modelFlow.ts';

/** An imported model cut into segments and linear layers, before anything is compiled. */
export interface ModelCut extends Omit<ModelFlow<LayerCut>, 'rounds'> {
  /** In the order of the model's layers. */
  readonly layers: readonly LayerCut[];
  /** Positions of layers that do not wait for each other. */
  readonly rounds: readonly (readonly number[])[];
  /** What the segments were taken from. */
  readonly graph: ReturnType<typeof graphOf>;
}

/** @throws CipherconvError `unsupported` for inputs or outputs of unknown type */
export function cutModel(model: ImportedModel): ModelCut {
  const graph = graphOf(model);
  const ends = model.layers.map(layerEnds);
  const { segments, rounds } = cutGraph(
    graph.nodes,
    model.inputs.map(({ name }) => name),
    model.outputs.map(({ name }) => name),
    ends.map(({ input, output }) => ({ input: input.tensor, output: output.tensor })),
  );
  return {
    name: model.name,
    inputs: model.inputs.map(port(model)),
    outputs: model.outputs.map(port(model)),
    segments: segments.map((segment, index) =>
      segment === null
        ? null
        : {
            inputs: segment.inputs,
            outputs: segment.outputs,
            model: graph.segment(segment, `segment ${index}`),
          },
    ),
    clear: model.unsupported.map(({ name, op, reason }) => ({ name, op, reason })),
    macs: macsOf(model),
    layers: model.layers.map(({ name, op, arrangement }, index) => ({
      name,
      op,
      arrangement,
      ...ends[index]!,
    })),
    rounds,
    graph,
  };
}

function port(model: ImportedModel): (value: ImportedModel['inputs'][number]) => ModelPort {
  return ({ name, type, shape }) => {
    if (type !== null) return { name, type, shape };
    throw new CipherconvError({
      code: 'unsupported',
      where: model.file,
      message: `the type of ${JSON.stringify(name)} is not known`,
      hint: 'run ONNX shape inference over the model first',
    });
  };
}
