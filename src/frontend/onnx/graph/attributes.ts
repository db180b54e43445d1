import { ATTRIBUTE } from '../proto/codes.ts';
import type { AttributeProto } from '../proto/onnx_pb.ts';
import { malformed, quoted } from '../refusal.ts';
import type { GraphNode } from '../types.ts';

/** Attributes of a node, by name, with the defaults of the operator. Each throws `malformed-model` for another type. */

/** How messages name a node. */
export function describeNode({ op, domain, name }: Pick<GraphNode, 'op' | 'domain' | 'name'>): string {
  return `${domain === '' ? '' : `${domain}.`}${op} ${quoted(name)}`;
}

function typed(node: GraphNode, name: string, type: keyof typeof ATTRIBUTE): AttributeProto | null {
  const attribute = node.attributes.get(name);
  if (attribute === undefined) return null;
  // Models of IR versions before 2 leave the type out.
  if (attribute.type === ATTRIBUTE[type] || attribute.type === 0) return attribute;
  throw malformed({
    where: describeNode(node),
    message: `attribute ${name} has another type`,
    expected: `${type} (${ATTRIBUTE[type]})`,
    found: String(attribute.type),
  });
}

function safe(node: GraphNode, name: string, value: bigint): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw malformed({
    where: describeNode(node),
    message: `attribute ${name} is out of range`,
    expected: 'an integer below 2^53 in magnitude',
    found: String(value),
  });
}

export function intAttribute(node: GraphNode, name: string, otherwise: number): number {
  const attribute = typed(node, name, 'INT');
  return attribute === null ? otherwise : safe(node, name, attribute.i);
}

export function floatAttribute(node: GraphNode, name: string, otherwise: number): number {
  return typed(node, name, 'FLOAT')?.f ?? otherwise;
}

export function textAttribute(node: GraphNode, name: string, otherwise: string): string {
  const attribute = typed(node, name, 'STRING');
  return attribute === null ? otherwise : new TextDecoder().decode(attribute.s);
}

export function intsAttribute(node: GraphNode, name: string): readonly number[] | null {
  const attribute = typed(node, name, 'INTS');
  return attribute === null ? null : attribute.ints.map((value) => safe(node, name, value));
}

export function floatsAttribute(node: GraphNode, name: string): readonly number[] | null {
  return typed(node, name, 'FLOATS')?.floats ?? null;
}

/**
 * An attribute with one integer per spatial axis.
 * @param otherwise for each of them when the attribute is left out
 */
export function spatialAttribute(node: GraphNode, name: string, count: number, otherwise: number): number[] {
  const values = intsAttribute(node, name);
  if (values === null || values.length === 0) return new Array<number>(count).fill(otherwise);
  if (values.length === count) return [...values];
  throw malformed({
    where: describeNode(node),
    message: `attribute ${name} has the wrong length`,
    expected: `${count} integers`,
    found: `[${values.join(', ')}]`,
  });
}
