import { poolDivisor } from '../../../../compiler/convolution/averagePool.ts';
import { intAttribute, spatialAttribute } from '../graph/attributes.ts';
import type { NodeView } from '../graph/state.ts';
import { geometryOf, outputExtent } from '../operators/windows.ts';
import type { GraphNode } from '../types.ts';
import type { ImportedLayer } from '../../imported/types.ts';
import type { Readers } from './followUp.ts';
import { layerFrom } from './linear.ts';
import { floatOperand, NotALayer } from './operands.ts';
import type { ConstantOperand } from './operands.ts';
import { poolGeometry } from './shapeLayer.ts';

/**
 * Average pools as layers: AveragePool and GlobalAveragePool whose input is on a grid. The accumulators are the sums of the
 * windows, and a "weight" is 1 with the scale fround(1 / elements of a window).
 */

export function isAveragePool({ op, domain }: GraphNode): boolean {
  return domain === '' && (op === 'AveragePool' || op === 'GlobalAveragePool');
}

/** @throws NotALayer for input that is not quantized, and windows that do not all count as many elements. */
export function averagePoolLayer(view: NodeView, readers: Readers): ImportedLayer {
  const { node } = view;
  const running = floatOperand(view, 0);
  const sizes = running.shape.slice(2);
  const isGlobal = node.op === 'GlobalAveragePool';
  const kernel = isGlobal ? sizes : spatialAttribute(node, 'kernel_shape', sizes.length, 1);
  if (!isGlobal && intAttribute(node, 'ceil_mode', 0) !== 0) requireWholeWindows(node, sizes, kernel);
  const geometry = poolGeometry(node, running.shape, kernel);
  const divisor = poolDivisor(geometry.form);
  if (divisor === null)
    throw new NotALayer('not supported yet: average pools whose windows at the edge count fewer elements');
  const shape = [geometry.outputs, 1, ...kernel];
  const constant: ConstantOperand = {
    integers: { type: 'uint8', shape, data: new Uint8Array(geometry.outputs * geometry.taps).fill(1) },
    scales: [Math.fround(1 / divisor)],
    zeroPoints: [0],
    axis: null,
    range: { lo: 1, hi: 1 },
  };
  return layerFrom(view, readers, { running, constant, geometry });
}

/** ceil_mode adds windows that reach past the padding, and count fewer elements. */
function requireWholeWindows(node: GraphNode, sizes: readonly number[], kernel: readonly number[]): void {
  const axes = geometryOf(node, sizes, kernel);
  const isWhole = sizes.every((size, axis) => {
    const extents = [true, false].map((ceil) => outputExtent(node, size, kernel[axis]!, axes[axis]!, ceil));
    return extents[0] === extents[1];
  });
  if (!isWhole) throw new NotALayer('not supported yet: average pools whose windows reach past the padding');
}
