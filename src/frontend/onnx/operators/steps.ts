import { elementCount } from '../../../../compiler/base/tensor.ts';
import type { CipherconvError } from '../../../../compiler/base/errors.ts';
import type { Step } from '../../../interpreter/interpreter.ts';
import type { StepCost } from '../../../interpreter/meter.ts';
import { ELEMENTS } from '../proto/codes.ts';
import type { GraphState, NodeView } from '../graph/state.ts';
import type { GraphNode, OnnxTensor } from '../types.ts';
import type { GraphValue } from '../../imported/types.ts';
import { unsupported } from '../refusal.ts';
import type { Operator } from './operator.ts';
import { operatorOf } from './registry.ts';
import { RESHAPING } from './reshaping.ts';
import { SELECTIONS } from './selections.ts';

/** Nodes of a graph as steps of the interpreter: records of operators, with the values of their inputs. */
export function stepsOf(nodes: readonly GraphNode[], opset: number, file: string): Step[] {
  return nodes.map((node) => stepOf(node, opset, file));
}

function stepOf(node: GraphNode, opset: number, file: string): Step {
  const operator = operatorOf({ node });
  return {
    name: node.name,
    op: node.domain === '' ? node.op : `${node.domain}.${node.op}`,
    inputs: [...node.inputs, ...node.captured],
    outputs: node.outputs,
    run: (inputs) =>
      operator?.clear == null
        ? null
        : compute(operator, { node, state: stateOf(node, inputs, opset, file) }, inputs),
    cost: (inputs) =>
      operator === null ? null : costOf(operator, { node, state: stateOf(node, inputs, opset, file) }),
  };
}

/** Null where an output's shape depends on more than shapes and lists. */
function costOf(operator: Operator, view: NodeView): StepCost | null {
  const { node } = view;
  const { work } = operator;
  if (work === null) return null;
  const made = operator.shape(view);
  const outputs: (readonly number[])[] = [];
  for (const [index, name] of node.outputs.entries()) {
    const shape = made[index]?.shape ?? null;
    if (name === '') continue;
    if (made.length > 0 && index >= made.length) throw surplus(node, made.length);
    if (shape === null) return null;
    outputs.push(shape);
  }
  // Operators that broadcast bring every input to the output's shape.
  const copies = MOVES.has(node.op) ? 1 : node.inputs.length + 1;
  return { outputs, copies, products: work?.(view, elementCount(outputs[0] ?? [])) ?? 0 };
}

function surplus({ name, op, outputs }: GraphNode, most: number): CipherconvError {
  return unsupported({
    where: name,
    message: `not supported yet: a surplus output of ${op}`,
    expected: `at most ${most}`,
    found: String(outputs.length),
  });
}

function compute(
  operator: Operator,
  view: NodeView,
  inputs: readonly (OnnxTensor | null)[],
): readonly OnnxTensor[] | null {
  const outputs = operator.shape(view);
  const { type = null, shape = null } = outputs[0] ?? {};
  if (operator.clear === null || type === null || shape === null) return null;
  // 16-bit floats are kept as 32-bit ones, and nothing rounds them: only moving them about is exact.
  if (isHalf(type) && !MOVES.has(view.node.op)) return null;
  return operator.clear({ view, inputs, output: { type, shape }, outputs });
}

const MOVES: ReadonlySet<string> = new Set([...RESHAPING.keys(), ...SELECTIONS.keys()]);

function isHalf(type: OnnxTensor['type']): boolean {
  return ELEMENTS[type].kind === 'float' && ELEMENTS[type].bits === 16;
}

/** A node whose inputs are all known: everything is constant. */
function stateOf(
  node: GraphNode,
  inputs: readonly (OnnxTensor | null)[],
  opset: number,
  file: string,
): GraphState {
  const constants = new Map<string, OnnxTensor>();
  const values = new Map<string, GraphValue>();
  inputs.forEach((tensor, index) => {
    const name = node.inputs[index] ?? '';
    if (tensor === null || name === '') return;
    constants.set(name, tensor);
    values.set(name, { name, type: tensor.type, shape: tensor.shape });
  });
  return {
    file,
    opset,
    constants,
    openExtents: [],
    graphInputs: new Set(),
    values,
    quantized: new Map(),
    wholes: new Map(),
    bounds: new Map(),
    integersOf: new Map(),
    constantRanges: new Map(),
    centred: new Map(),
    offGrid: new Map(),
    unshaped: new Map(),
    foldable: Infinity,
    readable: Infinity,
    fractions: new Set(),
  };
}
