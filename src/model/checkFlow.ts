import { CipherconvError } from '../../compiler/base/errors.ts';
import { arrangedShape, arrangementFault } from '../../compiler/convolution/arrangement.ts';
import { outputShape } from '../../compiler/convolution/shape.ts';
import type { ConvShape } from '../../compiler/convolution/shape.ts';
import { elementCount } from '../../compiler/base/tensor.ts';
import { checkSegmentModel } from './checkClearModel.ts';
import type { Refuse } from './checkClearModel.ts';
import type { LayerCut, ModelFlow } from './modelFlow.ts';
import { canCross } from './typedTensor.ts';

/** What the schemas of a model's files cannot say: that tensors exist when they are used, and that layers fit theirs. */

/** Refuses with `malformed-plan`. */
export function refusal(file: string, hint: string): Refuse {
  return (where, message) => {
    throw new CipherconvError({ code: 'malformed-plan', where: `${file}: ${where}`, message, hint });
  };
}

/** Checks how tensors flow through a model, each layer against the shape of its convolution, and each segment. */
export function checkFlow<Layer extends LayerCut>(
  flow: ModelFlow<Layer>,
  shapeOf: (layer: Layer) => ConvShape,
  refuse: Refuse,
): void {
  if (flow.segments.length !== flow.rounds.length + 1) {
    refuse('segments', 'there must be one segment more than rounds');
  }
  checkTensors(flow, refuse);
  for (const layer of flow.rounds.flat()) checkLayer(layer, shapeOf(layer), refuse);
  for (const [index, segment] of flow.segments.entries()) {
    if (segment !== null) checkSegmentModel(segment.model, segment, `segments[${index}]`, refuse);
  }
  if (flow.macs.encrypted > flow.macs.total) refuse('macs', 'more are encrypted than there are');
}

/** Every tensor is made once, and before it is used. */
function checkTensors(plan: ModelFlow<LayerCut>, refuse: Refuse): void {
  const known = new Set<string>();
  const need = (name: string, where: string): void => {
    if (!known.has(name)) refuse(where, `the tensor ${JSON.stringify(name)} is not known there`);
  };
  const make = (name: string, where: string): void => {
    if (known.has(name)) refuse(where, `the tensor ${JSON.stringify(name)} is made twice`);
    known.add(name);
  };
  for (const { name } of plan.inputs) make(name, 'inputs');
  for (const [index, segment] of plan.segments.entries()) {
    for (const name of segment?.inputs ?? []) need(name, `segments[${index}]`);
    for (const name of segment?.outputs ?? []) make(name, `segments[${index}]`);
    const round = plan.rounds[index] ?? [];
    for (const { name, input } of round) need(input.tensor, name);
    for (const { name, output } of round) make(output.tensor, name);
  }
  for (const { name } of plan.outputs) need(name, 'outputs');
}

function checkLayer({ name, input, arrangement, output }: LayerCut, shape: ConvShape, refuse: Refuse): void {
  const { batch, channels, height, width } = shape.input;
  if (elementCount(input.shape) !== batch * channels * height * width) {
    refuse(name, 'its input has another number of elements than its plan');
  }
  const { permutation } = input;
  if (permutation !== null && !isPermutation(permutation, input.shape.length))
    refuse(name, 'the permutation of its input is none');
  if (input.kind === 'scaled' && !(input.scale !== null && input.scale > 0)) {
    refuse(name, 'the scale of its input is not positive');
  }
  const fault = arrangementFault(arrangement, outputShape(shape));
  if (fault !== null) refuse(name, fault);
  const result = arrangedShape(arrangement, outputShape(shape));
  if (elementCount(output.shape) !== elementCount(result)) {
    refuse(name, 'its output has another number of elements than its plan');
  }
  const order = output.kind === 'accumulator' ? output.permutation : null;
  if (order !== null && !isPermutation(order, result.length))
    refuse(name, 'the permutation of its output is none');
  if (!canCross(output.type)) refuse(name, `its output cannot have the type ${output.type}`);
  if (listsOf(output).some((length) => length !== result[1])) {
    refuse(name, 'it has another number of scales than of output channels');
  }
}

/** Lengths of the lists that have one entry per output channel. */
function listsOf(output: LayerCut['output']): number[] {
  switch (output.kind) {
    case 'accumulator':
      return [];
    case 'scaled':
      return [output.scales.length, ...(output.bias === null ? [] : [output.bias.length])];
    case 'requantized':
      // One entry may serve all.
      return output.requantization.scale.length === 1 ? [] : [output.requantization.scale.length];
  }
}

function isPermutation(list: readonly number[], rank: number): boolean {
  return list.length === rank && new Set(list).size === rank && list.every((axis) => axis < rank);
}
