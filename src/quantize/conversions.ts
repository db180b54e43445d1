import { create } from '@bufbuild/protobuf';
import type { FreshNames } from '../frontend/onnx/proto/freshNames.ts';
import { NodeProtoSchema } from '../frontend/onnx/proto/onnx_pb.ts';
import type { AttributeProto, NodeProto, TensorProto } from '../frontend/onnx/proto/onnx_pb.ts';
import { nodeProto, tensorProto } from '../frontend/onnx/proto/write.ts';

/** Operators of older operator sets, as operator set 13 has them: attributes that became inputs, mostly. */

/** Collects the nodes and constants that a graph is written with. */
export class Writer {
  readonly nodes: NodeProto[] = [];
  readonly constants: TensorProto[] = [];
  readonly #names: FreshNames;

  constructor(names: FreshNames) {
    this.#names = names;
  }

  fresh(base: string): string {
    return this.#names.fresh(base);
  }

  ints(base: string, values: readonly number[]): string {
    return this.#constant(base, 'int64', [values.length], values);
  }

  float(base: string, value: number): string {
    return this.#constant(base, 'float32', [], [value]);
  }

  floats(base: string, values: readonly number[]): string {
    return this.#constant(base, 'float32', [values.length], values);
  }

  #constant(...[base, type, shape, values]: Parameters<typeof tensorProto>): string {
    const name = this.#names.fresh(base);
    this.constants.push(tensorProto(name, type, shape, values));
    return name;
  }

  /** The node with other inputs, without some of its attributes. */
  changed(node: NodeProto, inputs: readonly string[], without: readonly string[], op = node.opType): void {
    const attribute = node.attribute.filter(({ name }) => !without.includes(name));
    this.nodes.push(create(NodeProtoSchema, { ...node, opType: op, input: [...inputs], attribute }));
  }
}

type Conversion = (node: NodeProto, writer: Writer) => void;

interface Versions {
  /** First version that is converted. */
  readonly from: number;
  /** First version that needs it no more. */
  readonly to: number;
  readonly convert: Conversion;
}

const CONVERSIONS: ReadonlyMap<string, Versions> = new Map([
  ['Clip', { from: 6, to: 11, convert: clip }],
  ['Dropout', { from: 7, to: 12, convert: dropout }],
  ['LogSoftmax', { from: 1, to: 13, convert: flatSoftmax }],
  ['Pad', { from: 2, to: 11, convert: pad }],
  ['ReduceSum', { from: 1, to: 13, convert: axes }],
  ['Slice', { from: 1, to: 10, convert: slice }],
  ['Softmax', { from: 1, to: 13, convert: flatSoftmax }],
  ['Split', { from: 2, to: 13, convert: split }],
  ['Squeeze', { from: 1, to: 13, convert: axes }],
  ['Unsqueeze', { from: 1, to: 13, convert: axes }],
  ['Upsample', { from: 7, to: 10, convert: upsample }],
]);

/** How a node is written today; null where it stays as it is, or nothing is known of it. */
export function conversionOf(node: NodeProto, version: number): ((writer: Writer) => void) | null {
  const found = CONVERSIONS.get(node.opType);
  if (found === undefined || version < found.from || version >= found.to) return null;
  // A mask that somebody reads is no Identity.
  if (node.opType === 'Dropout' && (node.output[1] ?? '') !== '') return null;
  return (writer) => {
    found.convert(node, writer);
  };
}

function attributeOf(node: NodeProto, name: string): AttributeProto | undefined {
  return node.attribute.find((each) => each.name === name);
}

function intsOf(node: NodeProto, name: string): number[] | null {
  return attributeOf(node, name)?.ints.map(Number) ?? null;
}

/** Axes became an input; without any the operator takes all of them. */
function axes(node: NodeProto, writer: Writer): void {
  const own = intsOf(node, 'axes');
  const inputs = own === null ? [] : [writer.ints(`${node.output[0]}/axes`, own)];
  writer.changed(node, [node.input[0] ?? '', ...inputs], ['axes']);
}

function split(node: NodeProto, writer: Writer): void {
  const own = intsOf(node, 'split');
  const inputs = own === null ? [] : [writer.ints(`${node.output[0]}/split`, own)];
  writer.changed(node, [node.input[0] ?? '', ...inputs], ['split']);
}

function clip(node: NodeProto, writer: Writer): void {
  const end = (name: string): string => {
    const value = attributeOf(node, name)?.f;
    return value === undefined ? '' : writer.float(`${node.output[0]}/${name}`, value);
  };
  writer.changed(node, [node.input[0] ?? '', end('min'), end('max')], ['min', 'max']);
}

/** Nothing is dropped when a model is used. */
function dropout(node: NodeProto, writer: Writer): void {
  writer.nodes.push(
    nodeProto({
      op: 'Identity',
      name: node.name,
      inputs: [node.input[0] ?? ''],
      outputs: [node.output[0] ?? ''],
    }),
  );
}

function pad(node: NodeProto, writer: Writer): void {
  const value = attributeOf(node, 'value')?.f ?? 0;
  const inputs = [
    writer.ints(`${node.output[0]}/pads`, intsOf(node, 'pads') ?? []),
    writer.float(`${node.output[0]}/value`, value),
  ];
  writer.changed(node, [node.input[0] ?? '', ...inputs], ['pads', 'value']);
}

function slice(node: NodeProto, writer: Writer): void {
  const starts = intsOf(node, 'starts') ?? [];
  const inputs = [
    starts,
    intsOf(node, 'ends') ?? [],
    intsOf(node, 'axes') ?? starts.map((_, axis) => axis),
  ].map((values, index) => writer.ints(`${node.output[0]}/slice_${index}`, values));
  writer.changed(node, [node.input[0] ?? '', ...inputs], ['starts', 'ends', 'axes']);
}

/** It took everything behind its axis, and that axis, as one row. */
function flatSoftmax(node: NodeProto, writer: Writer): void {
  const [input = ''] = node.input;
  const [output = ''] = node.output;
  const axis = Number(attributeOf(node, 'axis')?.i ?? 1n);
  const fresh = (part: string): string => writer.fresh(`${output}/${part}`);
  const [shape, flat, soft] = [fresh('shape'), fresh('flat'), fresh('soft')];
  writer.nodes.push(
    nodeProto({ op: 'Shape', inputs: [input], outputs: [shape] }),
    nodeProto({ op: 'Flatten', inputs: [input], outputs: [flat], attributes: { axis: { int: axis } } }),
    nodeProto({ op: node.opType, inputs: [flat], outputs: [soft], attributes: { axis: { int: 1 } } }),
    nodeProto({ op: 'Reshape', inputs: [soft, shape], outputs: [output] }),
  );
}

/** Scales were an attribute, then an input; pixels were repeated, or interpolated from the upper left one on. */
function upsample(node: NodeProto, writer: Writer): void {
  const scales =
    node.input[1] ?? writer.floats(`${node.output[0]}/scales`, attributeOf(node, 'scales')?.floats ?? []);
  const mode = new TextDecoder().decode(attributeOf(node, 'mode')?.s ?? new TextEncoder().encode('nearest'));
  writer.nodes.push(
    nodeProto({
      op: 'Resize',
      name: node.name,
      inputs: [node.input[0] ?? '', '', scales],
      outputs: [node.output[0] ?? ''],
      attributes: {
        mode: { text: mode },
        coordinate_transformation_mode: { text: 'asymmetric' },
        nearest_mode: { text: 'floor' },
      },
    }),
  );
}
