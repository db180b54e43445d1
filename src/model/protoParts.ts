import { create } from '@bufbuild/protobuf';
import { ELEMENTS } from '../frontend/onnx/proto/codes.ts';
import type { ElementType } from '../frontend/onnx/proto/codes.ts';
import { NodeProtoSchema, ValueInfoProtoSchema } from '../frontend/onnx/proto/onnx_pb.ts';
import type {
  AttributeProto,
  NodeProto,
  TensorProto,
  ValueInfoProto,
} from '../frontend/onnx/proto/onnx_pb.ts';
import { toTensorProto } from '../frontend/onnx/proto/tensorProto.ts';
import { toDense, typedTensor } from './typedTensor.ts';
import type { CrossingElement } from './typedTensor.ts';

/** Small builders of ONNX messages. */

/** A node of the standard operators. */
export function node(
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: readonly AttributeProto[] = [],
): NodeProto {
  return create(NodeProtoSchema, {
    opType: op,
    input: [...inputs],
    output: [...outputs],
    attribute: [...attributes],
  });
}

/** An initializer, little-endian as ONNX has it. */
export function initializer(
  name: string,
  type: CrossingElement,
  shape: readonly number[],
  values: ArrayLike<number>,
): TensorProto {
  return toTensorProto(toDense(typedTensor(type, shape, values, name), name), name);
}

/** A graph input or output; without a shape where none is known. */
export function valueInfo(name: string, type: ElementType, shape: readonly number[] | null): ValueInfoProto {
  const dimensions = shape?.map((extent) => ({
    value: { case: 'dimValue' as const, value: BigInt(extent) },
  }));
  const tensor = {
    elemType: ELEMENTS[type].code,
    ...(dimensions === undefined ? {} : { shape: { dim: dimensions } }),
  };
  return create(ValueInfoProtoSchema, { name, type: { value: { case: 'tensorType', value: tensor } } });
}

/** A graph output whose type is left to be inferred. */
export function untypedValue(name: string): ValueInfoProto {
  return create(ValueInfoProtoSchema, { name });
}
