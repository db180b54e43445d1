import { elementCount } from '../../../../compiler/base/tensor.ts';
import type { FreshNames } from '../proto/freshNames.ts';
import { NodeList } from '../proto/nodes.ts';
import type { GraphProto } from '../proto/onnx_pb.ts';
import { toGraphNode } from './graph.ts';
import { inputName } from './state.ts';
import type { GraphState } from './state.ts';
import type { GraphNode } from '../types.ts';

/**
 * Dynamic quantization: the zero point of a layer's input is computed at run time (by a DynamicQuantizeLinear, say), so no
 * convolution can be compiled for it. The client knows it by then: it takes the zero point off, and the layer convolves
 *
 *   d = Cast(x, int32) - Cast(zeroPoint, int32)      in [-255, 255] for 8-bit types, zero point 0
 *
 * ConvInteger pads with the zero point, so a padded tap has d = 0. The nodes that compute d are added to the graph; nothing
 * but the layer reads them.
 */
export class Centring {
  readonly #graph: GraphProto;
  readonly #state: GraphState;
  readonly #names: FreshNames;
  /** d, by x and zero point: several products of one input share it. */
  readonly #known = new Map<string, string>();

  constructor(graph: GraphProto, state: GraphState, names: FreshNames) {
    this.#graph = graph;
    this.#state = state;
    this.#names = names;
  }

  /** The nodes that the layer's input takes, before the layer is looked at; `state.centred` then has it. */
  before(node: GraphNode): readonly GraphNode[] {
    const running = this.#dynamicOperand(node);
    if (running === null) return [];
    const { value, zeroPoint } = running;
    const key = JSON.stringify([value, zeroPoint]);
    const known = this.#known.get(key);
    if (known !== undefined) {
      this.#state.centred.set(node.name, known);
      return [];
    }
    const list = new NodeList(this.#names, value);
    const centred = list.add('Sub', list.cast(value, 'int32'), list.cast(zeroPoint, 'int32'));
    // The casts come first: an operand is named before the node that reads it is added.
    this.#known.set(key, centred);
    this.#state.centred.set(node.name, centred);
    const first = this.#graph.node.length;
    this.#graph.node.push(...list.nodes);
    return list.nodes.map((proto, index) => toGraphNode(proto, first + index));
  }

  /** The operand that runs, where its zero point runs too: one number for the whole tensor. */
  #dynamicOperand(node: GraphNode): { readonly value: string; readonly zeroPoint: string } | null {
    if (node.domain !== '' || (node.op !== 'ConvInteger' && node.op !== 'MatMulInteger')) return null;
    const { constants, graphInputs, values } = this.#state;
    const [left, right] = [inputName(node, 0), inputName(node, 1)];
    if (left === null || right === null) return null;
    const isLeft = constants.has(right);
    if (!isLeft && (node.op === 'ConvInteger' || !constants.has(left))) return null;
    const [value, zeroPoint] = isLeft ? [left, inputName(node, 2)] : [right, inputName(node, 3)];
    if (zeroPoint === null || constants.has(zeroPoint) || graphInputs.has(zeroPoint)) return null;
    const [shape, zeroShape] = [values.get(value)?.shape, values.get(zeroPoint)?.shape];
    const isOne =
      shape != null && zeroShape != null && elementCount(zeroShape) === 1 && zeroShape.length <= shape.length;
    return isOne ? { value, zeroPoint } : null;
  }
}
