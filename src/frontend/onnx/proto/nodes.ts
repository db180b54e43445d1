import { create } from '@bufbuild/protobuf';
import { ATTRIBUTE, ELEMENTS } from './codes.ts';
import type { ElementType } from './codes.ts';
import type { FreshNames } from './freshNames.ts';
import { AttributeProtoSchema, NodeProtoSchema } from './onnx_pb.ts';
import type { AttributeProto, NodeProto } from './onnx_pb.ts';

/** A node of the standard operators with one output. It has no name: onnxruntime wants names to differ. */
export function standardNode(
  op: string,
  inputs: readonly string[],
  output: string,
  attributes: readonly AttributeProto[] = [],
): NodeProto {
  return create(NodeProtoSchema, {
    opType: op,
    input: [...inputs],
    output: [output],
    attribute: [...attributes],
  });
}

export function castNode(input: string, to: ElementType, output: string): NodeProto {
  const type = create(AttributeProtoSchema, {
    name: 'to',
    type: ATTRIBUTE.INT,
    i: BigInt(ELEMENTS[to].code),
  });
  return standardNode('Cast', [input], output, [type]);
}

/** Collects nodes that each make one new tensor. */
export class NodeList {
  readonly nodes: NodeProto[] = [];
  readonly #names: FreshNames;
  readonly #base: string;

  /** @param base what the names of the new tensors begin with */
  constructor(names: FreshNames, base: string) {
    this.#names = names;
    this.#base = base;
  }

  fresh(part: string): string {
    return this.#names.fresh(`${this.#base}/${part}`);
  }

  /** @returns the name of the output */
  add(op: string, ...inputs: string[]): string {
    const output = this.fresh(op);
    this.nodes.push(standardNode(op, inputs, output));
    return output;
  }

  /** @returns the name of the output */
  cast(input: string, to: ElementType): string {
    const output = this.fresh('Cast');
    this.nodes.push(castNode(input, to, output));
    return output;
  }
}
