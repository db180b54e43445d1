import { encodeModel, nodeProto, tensorProto, valueProto } from './write.ts';
import type { AttributeValue, NodeParts, WritableType } from './write.ts';
import type { NodeProto, TensorProto } from '../../src/frontend/onnx/proto/onnx_pb.ts';

export type QuantizedType = 'uint8' | 'int8';

/** Types of other widths, which opset 21 has. */
export type OtherWidth = 'uint16' | 'int16' | 'uint4' | 'int4';

/** A quantized tensor: real values scale * (q - zeroPoint). */
export interface Activation<T extends QuantizedType | OtherWidth = QuantizedType> {
  readonly name: string;
  readonly type: T;
  /** [batch, channels, ...extents], or [batch, features]. */
  readonly shape: readonly number[];
  /** A float32. */
  readonly scale: number;
  readonly zeroPoint: number;
}

export interface GraphTensor {
  readonly name: string;
  readonly type: 'uint8' | 'int8' | 'int32' | 'float32';
  readonly shape: readonly number[];
}

/** Writes a model node by node: collects nodes and constants, and names what they make. */
export class ModelWriter {
  /** In the order in which they were added, which must be topological. */
  readonly nodes: NodeProto[] = [];
  readonly initializers: TensorProto[] = [];

  /** @returns the name of the constant */
  constant(type: WritableType, shape: readonly number[], values: ArrayLike<number>): string {
    const name = `c${this.initializers.length}`;
    this.initializers.push(tensorProto(name, type, shape, values));
    return name;
  }

  /** A node with one output. @returns the name of that output */
  node(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
  ): string {
    const output = `${op}_${this.nodes.length}`;
    this.nodes.push(nodeProto({ op, inputs, outputs: [output], attributes }));
    return output;
  }

  /** A node with several outputs, or of another domain than the standard one. @returns the names of its outputs */
  wide(
    op: string,
    inputs: readonly string[],
    outputCount: number,
    rest: Pick<NodeParts, 'attributes' | 'domain'> = {},
  ): string[] {
    const outputs = Array.from({ length: outputCount }, (_, index) => `${op}_${this.nodes.length}_${index}`);
    this.nodes.push(nodeProto({ op, inputs, outputs, ...rest }));
    return outputs;
  }

  /** @returns the name of the floats */
  dequantize({ name, type, scale, zeroPoint }: Activation<QuantizedType | OtherWidth>): string {
    const constants = [this.constant('float32', [], [scale]), this.constant(type, [], [zeroPoint])];
    return this.node('DequantizeLinear', [name, ...constants]);
  }

  quantize<T extends QuantizedType | OtherWidth>(
    floats: string,
    to: Omit<Activation<T>, 'name'>,
  ): Activation<T> {
    const scale = this.constant('float32', [], [to.scale]);
    const zeroPoint = this.constant(to.type, [], [to.zeroPoint]);
    return { ...to, name: this.node('QuantizeLinear', [floats, scale, zeroPoint]) };
  }

  /** The model file. */
  encode(
    name: string,
    opset: number,
    inputs: readonly GraphTensor[],
    outputs: readonly GraphTensor[],
    domains: Readonly<Record<string, number>> = {},
  ): Uint8Array {
    const value = (tensor: GraphTensor): ReturnType<typeof valueProto> =>
      valueProto(tensor.name, tensor.type, tensor.shape);
    return encodeModel({
      name,
      opset,
      domains,
      inputs: inputs.map(value),
      outputs: outputs.map(value),
      initializers: this.initializers,
      nodes: this.nodes,
    });
  }
}
