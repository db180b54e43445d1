import { create, toBinary } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { expect } from 'vitest';
import type {
  AttributeProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from '../../../src/frontend/onnx/proto/onnx_pb.ts';
import { ModelProtoSchema } from '../../../src/frontend/onnx/proto/onnx_pb.ts';
import { ELEMENTS } from '../../../src/frontend/onnx/proto/codes.ts';
import type { ElementType } from '../../../src/frontend/onnx/proto/codes.ts';
import { CipherconvError } from '../../../compiler/base/errors.ts';
import type { ErrorCode } from '../../../compiler/base/errors.ts';
import { importModel } from '../../../src/frontend/onnx/importOnnx.ts';
import { toTensorProto } from '../../../src/frontend/onnx/proto/tensorProto.ts';
import type { ImportedLayer } from '../../../src/frontend/imported/types.ts';
import type { ImportedModel } from '../../../src/frontend/imported/model.ts';
import type { ImportOptions } from '../../../src/frontend/onnx/types.ts';
import type { NumericArray } from '../../../src/interpreter/values.ts';
import { emptyArray } from '../../../src/interpreter/values.ts';

/** Small models, written by the format's own encoder. */

type Node = MessageInitShape<typeof NodeProtoSchema>;
export type Attribute = MessageInitShape<typeof AttributeProtoSchema>;
export type TensorInit = MessageInitShape<typeof TensorProtoSchema>;
type ValueInfo = MessageInitShape<typeof ValueInfoProtoSchema>;

export interface Graph {
  readonly nodes: readonly Node[];
  readonly initializers?: readonly TensorInit[];
  readonly inputs?: readonly ValueInfo[];
  readonly outputs?: readonly ValueInfo[];
  readonly valueInfo?: readonly ValueInfo[];
  readonly opset?: number;
  readonly domains?: readonly string[];
}

export function encodeModel({
  nodes,
  initializers,
  inputs,
  outputs,
  valueInfo,
  opset,
  domains,
}: Graph): Uint8Array {
  const message = create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [
      { domain: '', version: BigInt(opset ?? 13) },
      ...(domains ?? []).map((domain) => ({ domain, version: 1n })),
    ],
    graph: {
      name: 'test',
      node: [...nodes],
      initializer: [...(initializers ?? [])],
      input: [...(inputs ?? [])],
      output: [...(outputs ?? [])],
      valueInfo: [...(valueInfo ?? [])],
    },
  });
  return toBinary(ModelProtoSchema, message);
}

export function imported(graph: Graph, options: ImportOptions = {}): ImportedModel {
  return importModel(encodeModel(graph), options);
}

export function node(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attribute: readonly Attribute[] = [],
  rest: { readonly domain?: string; readonly name?: string } = {},
): Node {
  return { opType, input: [...input], output: [...output], attribute: [...attribute], ...rest };
}

export const int = (name: string, value: number): Attribute => ({ name, type: 2, i: BigInt(value) });
export const float = (name: string, value: number): Attribute => ({ name, type: 1, f: value });
export const text = (name: string, value: string): Attribute => ({
  name,
  type: 3,
  s: new TextEncoder().encode(value),
});
export const ints = (name: string, values: readonly number[]): Attribute => ({
  name,
  type: 7,
  ints: values.map(BigInt),
});

/** An initializer with raw data. */
export function tensor(
  name: string,
  type: ElementType,
  shape: readonly number[],
  values: readonly number[],
): TensorInit {
  const data: NumericArray = emptyArray(type, values.length);
  data.set(values);
  return toTensorProto({ type, shape, data }, name);
}

export const scalar = (name: string, type: ElementType, value: number): TensorInit =>
  tensor(name, type, [], [value]);

/** A graph input or output; names stand for symbolic extents. */
export function value(name: string, type: ElementType, shape: readonly (number | string)[]): ValueInfo {
  const dim = shape.map((extent) => ({
    value:
      typeof extent === 'number'
        ? ({ case: 'dimValue', value: BigInt(extent) } as const)
        : ({ case: 'dimParam', value: extent } as const),
  }));
  return {
    name,
    type: { value: { case: 'tensorType', value: { elemType: ELEMENTS[type].code, shape: { dim } } } },
  };
}

/** What `act` is refused with. */
export function refusalOf(act: () => unknown): CipherconvError {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(CipherconvError);
    return error as CipherconvError;
  }
  throw new Error('nothing was refused');
}

export function expectRefusal(act: () => unknown, code: ErrorCode, ...parts: readonly string[]): void {
  const error = refusalOf(act);
  for (const part of parts) expect(error.message).toContain(part);
  expect(error.code).toBe(code);
}

/** The layer of a model that has one, and nothing else to say. */
export function onlyLayer(graph: Graph): ImportedLayer {
  const { layers, unsupported, openLayers } = imported(graph);
  expect([unsupported, openLayers]).toEqual([[], []]);
  expect(layers).toHaveLength(1);
  return layers[0]!;
}

/** Why the linear node of a model is no layer. */
export function reasonOf(graph: Graph): string {
  const { layers, unsupported } = imported({
    ...graph,
    // A layer beside it, so that the model is not refused as a whole.
    nodes: [...graph.nodes, node('MatMulInteger', ['good_x', 'good_w'], ['good_y'])],
    inputs: [...(graph.inputs ?? []), value('good_x', 'uint8', [1, 1])],
    initializers: [...(graph.initializers ?? []), tensor('good_w', 'int8', [1, 1], [1])],
  });
  expect(layers.map(({ name }) => name)).toEqual(['good_y']);
  return unsupported.map(({ reason }) => reason).join();
}
