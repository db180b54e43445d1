import type { NodeView } from '../graph/state.ts';
import { ACTIVATIONS } from './activations.ts';
import { ARITHMETIC } from './arithmetic.ts';
import { COMPARISONS } from './comparisons.ts';
import { CONSTANTS } from './constants.ts';
import { CONTRIB } from './contrib.ts';
import { CONVOLUTIONS } from './convolutions.ts';
import { NORMALIZATION } from './normalization.ts';
import type { Family, Operator } from './operator.ts';
import { CONTRIB_OUTSIDERS, OUTSIDERS } from './outsiders.ts';
import { POOLS } from './pools.ts';
import { PRODUCTS } from './products.ts';
import { QONNX, QUANTIZATION } from './quantization.ts';
import { QONNX_DOMAINS } from './quantizers.ts';
import { REDUCTIONS } from './reductions.ts';
import { RESHAPING } from './reshaping.ts';
import { RESIZING } from './resizing.ts';
import { SELECTIONS } from './selections.ts';
import { THRESHOLDS } from './thresholds.ts';

/**
 * All operators that are known.
 *
 * To add one: write a record (operator.ts) into the file of its family, or into a new family that is listed here.
 *
 * - `shape`: types and shapes of the outputs. Without more it is known, and runs in the clear by onnxruntime.
 * - `grid`: null, or `selecting(...)` where all outputs are values of the first input, or `facts(...)` for what becomes of
 *   scale and zero point, and of whole numbers (grids.ts). It decides whether a linear layer behind it can be encrypted.
 * - `clear`: null, or the values of the outputs. `computes(arity, (inputs, call) => ...)` does for one output. Attributes are
 *   read there; the arithmetic is a function of tensors in src/interpreter, which knows nothing of ONNX.
 * - `folds`: 'never' where it costs more than reading its inputs.
 *
 * Linear operators besides need a layer (../layers): the convolution that they are.
 */
const STANDARD: Family = new Map([
  ...RESHAPING,
  ...SELECTIONS,
  ...RESIZING,
  ...CONSTANTS,
  ...ACTIVATIONS,
  ...ARITHMETIC,
  ...COMPARISONS,
  ...REDUCTIONS,
  ...NORMALIZATION,
  ...QUANTIZATION,
  ...CONVOLUTIONS,
  ...PRODUCTS,
  ...POOLS,
  ...OUTSIDERS,
]);

/** The record of a node's operator, or null for one that is not known. */
export function operatorOf({ node }: Pick<NodeView, 'node'>): Operator | null {
  const { op, domain } = node;
  const quantizer = QONNX_DOMAINS.has(domain) ? (QONNX.get(op) ?? THRESHOLDS.get(op)) : undefined;
  if (quantizer !== undefined) return quantizer;
  // Up to opset 6 elementwise operators broadcast along an `axis`.
  if (domain === '') return node.attributes.has('broadcast') ? null : (STANDARD.get(op) ?? null);
  return domain === 'com.microsoft' ? (CONTRIB.get(op) ?? CONTRIB_OUTSIDERS.get(op) ?? null) : null;
}
