import { intAttribute } from '../graph/attributes.ts';
import { contradiction, inputShape, inputType, shapeText } from '../graph/state.ts';
import type { NodeView } from '../graph/state.ts';
import type { ElementType } from '../proto/codes.ts';
import { unbounded } from './grids.ts';
import { named } from './operator.ts';
import type { Family, Operator, ShapeRule } from './operator.ts';
import { transposedConvolution } from './transposed.ts';
import { geometryOf, kernelOf, outputExtent } from './windows.ts';

/** Convolutions. */

function convolution(filterInput: number, typeOf: (view: NodeView) => ElementType | null): ShapeRule {
  return (view) => {
    const { node } = view;
    const [input, filter, type] = [inputShape(view, 0), inputShape(view, filterInput), typeOf(view)];
    if (input === null || filter === null) return [{ type, shape: null }];
    if (input.length < 3 || filter.length !== input.length)
      contradiction(
        node,
        'input and weights have the wrong rank',
        'the same, at least 3',
        `${shapeText(input)} and ${shapeText(filter)}`,
      );
    const group = intAttribute(node, 'group', 1);
    if (input[1] !== filter[1]! * group)
      contradiction(
        node,
        'input channels do not match the weights',
        `${filter[1]!} x group ${group}`,
        `${input[1]!} channels`,
      );
    const kernel = kernelOf(node, filter);
    const sizes = input.slice(2);
    const geometry = geometryOf(node, sizes, kernel);
    const spatial = sizes.map((size, axis) =>
      outputExtent(node, size, kernel[axis]!, geometry[axis]!, false),
    );
    return [{ type, shape: [input[0]!, filter[0]!, ...spatial] }];
  };
}

/** QLinear operators have the type of the output's zero point, the eighth input. */
const outputZeroPoint = (view: NodeView): ElementType | null => inputType(view, 7);

const base: Omit<Operator, 'shape'> = { grid: null, clear: null, folds: 'never' };

export const CONVOLUTIONS: Family = new Map([
  ...named('Conv', { ...base, shape: convolution(1, (view) => inputType(view, 0)), grid: unbounded }),
  ...named('ConvInteger', { ...base, shape: convolution(1, () => 'int32') }),
  ...named('QLinearConv', { ...base, shape: convolution(3, outputZeroPoint) }),
  ...named('ConvTranspose', { ...base, shape: transposedConvolution }),
]);
