import { CipherconvError } from '../../compiler/base/errors.ts';
import { EXTERNAL } from '../frontend/onnx/proto/codes.ts';
import type { ModelProto } from '../frontend/onnx/proto/onnx_pb.ts';
import { readModelProto } from '../frontend/onnx/proto/readProto.ts';
import { checkFixedPointNode } from '../interpreter/fixedPoint/check.ts';
import type { ClearModel, TfliteClearModel } from './clearModel.ts';
import { readsOf } from './tfliteModelGraph.ts';

/** What the schema of a plan file cannot say of the graphs in it. */

/** Nodes of one segment: fifty times those of the largest that is known. */
export const MAX_SEGMENT_NODES = 2 ** 16;

/** Refuses a file, saying where and why. */
export type Refuse = (where: string, message: string) => never;

/** What a graph is for. */
export interface Ends {
  /** Names of tensors that are given at run time. */
  readonly inputs: readonly string[];
  /** Names of tensors that it must make. */
  readonly outputs: readonly string[];
}

/** The whole network. */
export function checkNetwork(model: ClearModel, ends: Ends, refuse: Refuse): void {
  if (model.format === 'onnx') parseOnnx(model.bytes, 'network', refuse);
  else checkNodes(model, ends, 'network', refuse);
}

/** A segment: it declares no inputs. */
export function checkSegmentModel(model: ClearModel, ends: Ends, where: string, refuse: Refuse): void {
  if (model.format === 'tflite') {
    requireFew(model.nodes.length, where, refuse);
    checkNodes(model, ends, where, refuse);
    return;
  }
  const { graph } = parseOnnx(model.bytes, where, refuse);
  if (graph === undefined) return refuse(where, 'a model without a graph');
  requireFew(graph.node.length, where, refuse);
  if (graph.input.length > 0) refuse(where, 'its inputs are declared already');
  const outputs = graph.output.map(({ name }) => name);
  if (outputs.join('\n') !== ends.outputs.join('\n')) refuse(where, 'its model has other outputs');
}

function requireFew(nodes: number, where: string, refuse: Refuse): void {
  if (nodes > MAX_SEGMENT_NODES) refuse(where, `${nodes} nodes, at most ${MAX_SEGMENT_NODES}`);
}

function parseOnnx(bytes: Uint8Array, where: string, refuse: Refuse): ModelProto {
  let model: ModelProto;
  try {
    model = readModelProto(bytes, where).proto;
  } catch (error) {
    const reason = error instanceof CipherconvError ? error.details.message : 'other bytes';
    return refuse(where, `not an ONNX model: ${reason}`);
  }
  if (model.graph?.initializer.some(({ dataLocation }) => dataLocation === EXTERNAL) === true) {
    refuse(where, 'it names other files');
  }
  return model;
}

/** Every node has arithmetic here, and every tensor is there when it is read. */
function checkNodes(model: TfliteClearModel, { inputs, outputs }: Ends, where: string, refuse: Refuse): void {
  const { nodes, tensors, constants, rounding } = model;
  const known = new Set([...inputs, ...constants.keys()]);
  for (const node of nodes) {
    const missing =
      readsOf(node).find((name) => !known.has(name)) ??
      [...node.inputs, ...node.outputs].find((name) => name !== '' && !tensors.has(name));
    if (missing !== undefined) refuse(where, `the tensor ${JSON.stringify(missing)} is not known there`);
    try {
      checkFixedPointNode(node, tensors, constants, rounding);
    } catch (error) {
      if (!(error instanceof CipherconvError)) throw error;
      refuse(where, `${node.name}: ${error.details.message}`);
    }
    for (const name of node.outputs) known.add(name);
  }
  const absent = outputs.find((name) => !known.has(name));
  if (absent !== undefined) refuse(where, `nothing makes the tensor ${JSON.stringify(absent)}`);
}
