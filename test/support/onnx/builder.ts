import { encodeModel, nodeProto, tensorProto, valueProto } from '../../../src/frontend/onnx/write.ts';
import type { AttributeValue, NodeParts, WritableType } from '../../../src/frontend/onnx/write.ts';
import type { NodeProto, TensorProto } from '../../../src/frontend/onnx/onnx_pb.ts';

/** An activation: real value scale * (q - zeroPoint). */
export interface Activation {
  readonly name: string;
  readonly type: QuantizedType;
  /** [batch, channels, ...extents], or [batch, features]. */
  readonly shape: readonly number[];
  /** A float32. */
  readonly scale: number;
  readonly zeroPoint: number;
}

export type QuantizedType = 'uint8' | 'int8';

export interface GraphTensor {
  readonly name: string;
  readonly type: 'uint8' | 'int8' | 'int32' | 'float32';
  readonly shape: readonly number[];
}

/** Collects nodes and constants in topological order, and names what they make. */
export class GraphBuilder {
  readonly #nodes: NodeProto[] = [];
  readonly #initializers: TensorProto[] = [];

  /** @returns the name of the constant */
  constant(type: WritableType, shape: readonly number[], values: ArrayLike<number>): string {
    const name = `c${this.#initializers.length}`;
    this.#initializers.push(tensorProto(name, type, shape, values));
    return name;
  }

  /** @returns the name of the node's output */
  node(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
    more: Pick<NodeParts, 'domain'> = {},
  ): string {
    const output = `${op}_${this.#nodes.length}`;
    this.#nodes.push(nodeProto({ op, inputs, outputs: [output], attributes, ...more }));
    return output;
  }

  dequantize({ name, type, scale, zeroPoint }: Activation): string {
    return this.node('DequantizeLinear', [
      name,
      this.constant('float32', [], [scale]),
      this.constant(type, [], [zeroPoint]),
    ]);
  }

  quantize(float: string, to: Omit<Activation, 'name'>): Activation {
    const scale = this.constant('float32', [], [to.scale]);
    const zeroPoint = this.constant(to.type, [], [to.zeroPoint]);
    return { ...to, name: this.node('QuantizeLinear', [float, scale, zeroPoint]) };
  }

  encode(opset: number, inputs: readonly GraphTensor[], outputs: readonly GraphTensor[]): Uint8Array {
    const value = ({ name, type, shape }: GraphTensor): ReturnType<typeof valueProto> =>
      valueProto(name, type, shape);
    return encodeModel({
      name: 'random',
      opset,
      inputs: inputs.map(value),
      outputs: outputs.map(value),
      initializers: this.#initializers,
      nodes: this.#nodes,
    });
  }

  /** One line a node: `Conv_3 = Conv(x, c1) pads=[0,1]`. */
  describe(): string {
    const constants = new Map(
      this.#initializers.map(({ name, dims, dataType }) => [name, `${name}:${dataType}[${dims.join()}]`]),
    );
    return this.#nodes
      .map(({ opType, input, output, attribute }) => {
        const attributes = attribute.map(
          ({ name, i, f, ints, s }) =>
            ` ${name}=${s.length > 0 ? new TextDecoder().decode(s) : ints.length > 0 ? `[${ints.join()}]` : i || f}`,
        );
        const inputs = input.map((name) => constants.get(name) ?? name);
        return `${output.join()} = ${opType}(${inputs.join(', ')})${attributes.join('')}`;
      })
      .join('\n');
  }
}
