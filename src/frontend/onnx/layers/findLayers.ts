import { describeNode } from '../graph/attributes.ts';
import type { GraphState } from '../graph/state.ts';
import { MAX_LAYER_WEIGHTS } from '../limits.ts';
import type { Visited } from '../operators/walk.ts';
import { unsupported } from '../refusal.ts';
import type { GraphNode, ImportOptions } from '../types.ts';
import type { ImportedLayer, OpenLayer, UnsupportedNode } from '../../imported/types.ts';
import { averagePoolLayer, isAveragePool } from './averagePool.ts';
import type { Readers } from './followUp.ts';
import { isFloatOperator, isIntegerOperator } from './linearOperators.ts';
import { integerLayer, openLayer } from './integerLinear.ts';
import { floatLayer } from './linear.ts';
import { NotALayer, OpenOperands } from './operands.ts';
import { hidesWeights, refusedNode, whyUnknown } from './unknownOperators.ts';

/** Which nodes are layers, and why the other linear ones are none. */

export interface Found {
  readonly layers: ImportedLayer[];
  readonly openLayers: OpenLayer[];
  readonly unsupported: UnsupportedNode[];
  /** The first linear node whose operands are floats. */
  firstFloat: UnsupportedNode | null;
  /** Whether a linear node works on integers, layer or not. */
  hasIntegers: boolean;
  /** Of all layers. */
  weights: number;
}

/** @throws CipherconvError `unsupported` for more weights than the limit */
export function findLayers(
  visited: readonly Visited[],
  state: GraphState,
  readers: Readers,
  { averagePools = 'clear' }: ImportOptions,
): Found {
  const found: Found = {
    layers: [],
    openLayers: [],
    unsupported: [],
    firstFloat: null,
    hasIntegers: false,
    weights: 0,
  };
  for (const { node, folded, known } of visited) {
    if (folded) continue;
    if (found.weights > MAX_LAYER_WEIGHTS) throw tooManyWeights(state.file);
    const isFloat = isFloatOperator(node);
    const isInteger = isIntegerOperator(node);
    const view = { node, state };
    if (isFloat)
      collect(
        node,
        found,
        () => floatLayer(view, readers),
        (names) => openLayer(view, names),
      );
    else if (isInteger) {
      found.hasIntegers = true;
      collect(
        node,
        found,
        () => integerLayer(view),
        (names) => openLayer(view, names),
      );
    } else if (averagePools === 'encrypted' && isAveragePool(node))
      collect(
        node,
        found,
        () => averagePoolLayer(view, readers),
        (names) => openLayer(view, names),
      );
    else if (!known || hidesWeights(node)) {
      const { node: refused, hasIntegers } = whyUnknown(node, state);
      found.unsupported.push(refused);
      found.hasIntegers ||= hasIntegers;
    }
  }
  return found;
}

function tooManyWeights(file: string): Error {
  return unsupported({
    where: file,
    message: 'not supported yet: models with so many weights',
    expected: `at most ${MAX_LAYER_WEIGHTS}, those of a shared initializer counted for each layer`,
  });
}

/** Makes a layer, or an open one, or notes why neither can be. */
function collect(
  node: GraphNode,
  found: Found,
  layer: () => ImportedLayer,
  openOne: (names: readonly string[]) => OpenLayer,
): void {
  try {
    try {
      const made = layer();
      found.layers.push(made);
      found.weights += made.spec.weights.values.length;
    } catch (error) {
      if (!(error instanceof OpenOperands)) throw error;
      found.openLayers.push(openOne(error.names));
    }
  } catch (error) {
    if (!(error instanceof NotALayer)) throw error;
    const refused = refusedNode(node, 'linear', error.message);
    found.unsupported.push(refused);
    if (error.kind === 'float') found.firstFloat ??= refused;
  }
}

/** A model of floats only: nothing in it is integer arithmetic, so there is nothing to encrypt exactly. */
export function refuseFloats({ layers, openLayers, firstFloat, hasIntegers }: Found, file: string): void {
  if (firstFloat === null || hasIntegers || layers.length > 0 || openLayers.length > 0) return;
  throw unsupported({
    where: file,
    message: 'the model is not quantized: none of its linear layers works on integers',
    expected:
      'integer convolutions or matrix products, or float ones between QuantizeLinear and DequantizeLinear or Quant',
    found: `the first float layer is ${describeNode({ ...firstFloat, domain: '' })}: ${firstFloat.reason}`,
    hint:
      'cipherconv quantize MODEL --calibration SAMPLES.npy -o QUANTIZED.onnx makes it one of integers, as does ' +
      'onnxruntime.quantization.quantize_static; or train it with few bits (Brevitas) and export it to QONNX',
  });
}
