import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { internalError } from '../../compiler/base/errors.ts';
import { ModelProtoSchema } from '../frontend/onnx/proto/onnx_pb.ts';
import type { ModelSegment } from './modelPlan.ts';
import { valueInfo } from './protoParts.ts';
import type { TypedTensor } from './typedTensor.ts';

/** The segment's model with its inputs declared as the tensors at hand have them: onnxruntime wants types. */
export function declareInputs(
  { model, inputs }: ModelSegment,
  tensors: ReadonlyMap<string, TypedTensor>,
): Uint8Array {
  const part = fromBinary(ModelProtoSchema, model);
  if (part.graph === undefined) throw internalError('a segment without a graph');
  part.graph.input = inputs.map((name) => {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw internalError(`the tensor ${name} is not there yet`);
    return valueInfo(name, tensor.type, tensor.shape);
  });
  return toBinary(ModelProtoSchema, part);
}
